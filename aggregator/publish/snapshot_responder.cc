#include "aggregator/publish/snapshot_responder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "aggregator/publish/codec.h"
#include "aggregator/publish/wire.h"

namespace unipresence::publish {
namespace {

// Numbers of the fields of SnapshotReply.
constexpr std::uint32_t kRequestIdField = 1;
constexpr std::uint32_t kEpochField = 2;
constexpr std::uint32_t kSequenceField = 3;
constexpr std::uint32_t kPresencesField = 4;
constexpr std::uint32_t kUnknownUsersField = 5;
constexpr std::uint32_t kNextPageTokenField = 6;
static_assert(v1::SnapshotReply::kRequestIdFieldNumber == kRequestIdField);
static_assert(v1::SnapshotReply::kEpochFieldNumber == kEpochField);
static_assert(v1::SnapshotReply::kSequenceFieldNumber == kSequenceField);
static_assert(v1::SnapshotReply::kPresencesFieldNumber == kPresencesField);
static_assert(v1::SnapshotReply::kUnknownUsersFieldNumber == kUnknownUsersField);
static_assert(v1::SnapshotReply::kNextPageTokenFieldNumber == kNextPageTokenField);

// Users read from the source before the size of the page is looked at again.
constexpr std::size_t kUsersPerRead = 16;

// A page token: where the next page starts, and of what. Opaque for clients.
struct Token {
  std::uint64_t epoch;
  std::uint64_t cursor;
  std::uint64_t listed;  // number of users that were asked for; 0: all
};

}  // namespace

void SnapshotResponder::Begin(std::string_view request) {
  reply_.clear();
  users_ = 0;
  cursor_ = 0;
  is_page_ = true;
  complete_ = false;
  if (!request_.ParseFromArray(request.data(), static_cast<int>(request.size()))) {
    request_.Clear();
    Refuse(v1::ERROR_REASON_FIELD_INVALID,
           fmt::format("a frame of {} bytes is no SnapshotRequest; send one serialized "
                       "unipresence.v1.SnapshotRequest per message",
                       request.size()));
    return;
  }
  if (static_cast<std::size_t>(request_.users_size()) > kMaxUsers) {
    Refuse(v1::ERROR_REASON_TOO_MANY_ITEMS,
           fmt::format("users: {} of them; ask for at most {} in one request",
                       request_.users_size(), kMaxUsers));
    v1::SnapshotRequest().Swap(&request_);  // gives back the memory of the long list
    return;
  }
  if (!request_.page_token().empty() && !ParseToken(request_.page_token())) {
    Refuse(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
           "page_token: not one of this epoch, or made for other users; start from the first page");
    return;
  }
  max_bytes_ = request_.max_bytes() == 0
                   ? kDefaultBytes
                   : std::clamp<std::size_t>(request_.max_bytes(), kMinBytes, kMaxBytes);
  // The sequence is that of the beginning: entries that are read later are only newer.
  char* end = reply_.Reserve(4 * (1 + wire::kMaxVarint));
  end = wire::PutVarintField<kRequestIdField>(end, request_.request_id());
  end = wire::PutFixed64Field<kEpochField>(end, source_.epoch());
  end = wire::PutVarintField<kSequenceField>(end, source_.sequence());
  reply_.Commit(end);
}

void SnapshotResponder::BeginMalformed(std::string_view why) {
  request_.Clear();
  Refuse(v1::ERROR_REASON_FIELD_INVALID, why);
}

bool SnapshotResponder::Work(std::size_t& budget) {
  while (!complete_ && budget > 0) {
    if (reply_.size() >= max_bytes_) {
      FinishPage();
    } else if (request_.users().empty()) {
      WorkOnAll(budget);
    } else {
      WorkOnList(budget);
    }
  }
  return complete_;
}

void SnapshotResponder::WorkOnAll(std::size_t& budget) {
  const std::size_t limit = std::min(budget, kUsersPerRead);
  budget -= limit;
  cursor_ = source_.Read(
      cursor_, limit, [this](const PresenceSource::Entry& entry) { AddPresence(entry.presence); });
  if (cursor_ == 0) complete_ = true;
}

void SnapshotResponder::WorkOnList(std::size_t& budget) {
  if (cursor_ == static_cast<std::uint64_t>(request_.users_size())) {
    complete_ = true;
    return;
  }
  const std::string& user = request_.users(static_cast<int>(cursor_++));
  --budget;
  const bool known = source_.Read(
      user, [this](const PresenceSource::Entry& entry) { AddPresence(entry.presence); });
  if (!known) {
    char* end = reply_.Reserve(1 + wire::kMaxVarint + user.size());
    reply_.Commit(wire::PutBytesField<kUnknownUsersField>(end, user));
  }
}

void SnapshotResponder::AddPresence(const Presence& presence) {
  AppendPresenceField(kPresencesField, presence, reply_);
  ++users_;
}

void SnapshotResponder::FinishPage() {
  const Token token{.epoch = source_.epoch(),
                    .cursor = cursor_,
                    .listed = static_cast<std::uint64_t>(request_.users_size())};
  char* end = reply_.Reserve(1 + wire::kMaxVarint + sizeof(token));
  reply_.Commit(wire::PutBytesField<kNextPageTokenField>(
      end, {reinterpret_cast<const char*>(&token), sizeof(token)}));
  complete_ = true;
}

bool SnapshotResponder::ParseToken(std::string_view bytes) {
  Token token;
  if (bytes.size() != sizeof(token)) return false;
  std::memcpy(&token, bytes.data(), sizeof(token));
  const auto listed = static_cast<std::uint64_t>(request_.users_size());
  if (token.epoch != source_.epoch() || token.listed != listed) return false;
  if (listed != 0 && token.cursor > listed) return false;
  cursor_ = token.cursor;
  return true;
}

void SnapshotResponder::Refuse(v1::ErrorReason reason, std::string_view message) {
  v1::SnapshotReply reply;
  reply.set_request_id(request_.request_id());
  reply.set_epoch(source_.epoch());
  reply.mutable_error()->set_reason(reason);
  reply.mutable_error()->set_message(message.data(), message.size());
  reply_.clear();
  const std::size_t size = reply.ByteSizeLong();
  char* out = reply_.Reserve(size);
  reply.SerializeToArray(out, static_cast<int>(size));
  reply_.Commit(out + size);
  users_ = 0;
  is_page_ = false;
  complete_ = true;
}

}  // namespace unipresence::publish
