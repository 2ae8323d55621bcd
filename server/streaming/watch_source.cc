#include "server/streaming/watch_source.h"

#include <algorithm>
#include <array>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/publish/codec.h"
#include "aggregator/publish/wire.h"
#include "unipresence/v1/presence.pb.h"

namespace unipresence {
namespace {

namespace wire = publish::wire;

constexpr std::uint32_t kUpdatesField = v1::WatchPresencesResponse::kUpdatesFieldNumber;
constexpr std::uint32_t kMailboxesField = v1::WatchPresencesResponse::kMailboxesFieldNumber;

// Null contains everyone.
bool Contains(const WatchedUsers& users, std::string_view user) {
  return users == nullptr || std::binary_search(users->begin(), users->end(), user);
}

// Encodes initial values one after the other.
class SliceWriter {
 public:
  explicit SliceWriter(const SliceRequest& request, InitialSlice& slice)
      : request_(request), slice_(slice) {}

  void Add(const PresenceSource::Entry& entry) {
    if (!request_.presences) return;
    if (request_.unless_up_to > 0 && entry.sequence <= request_.unless_up_to) return;
    publish::AppendRefresh(entry.presence, entry.sequence, encoded_);
    Frame<kUpdatesField>();
    ++slice_.updates;
    if (entry.sequence > request_.newer_than) {
      slice_.newer.emplace_back(entry.presence.user, entry.sequence);
    }
  }
  void AddUnknown(std::string_view user, std::uint64_t sequence) {
    if (!request_.presences || request_.unless_up_to > 0) return;
    publish::AppendRefreshOfUnknown(user, sequence, encoded_);
    Frame<kUpdatesField>();
    ++slice_.updates;
    if (sequence > request_.newer_than) slice_.newer.emplace_back(user, sequence);
  }
  void AddMailbox(const Mailbox& mailbox) {
    publish::AppendMailbox(mailbox, encoded_);
    Frame<kMailboxesField>();
    if (mailbox.sequence > request_.mailboxes_newer_than) {
      slice_.newer_mailboxes.emplace_back(mailbox.user, mailbox.sequence);
    }
  }

 private:
  template <std::uint32_t kField>
  void Frame() {
    std::array<char, 1 + wire::kMaxVarint> head;
    const char* end = wire::PutLengthField<kField>(head.data(), encoded_.size());
    slice_.wire.append(head.data(), static_cast<std::size_t>(end - head.data()));
    slice_.wire.append(encoded_.view());
    encoded_.clear();
  }

  const SliceRequest& request_;
  InitialSlice& slice_;
  publish::ByteBuffer encoded_;
};

}  // namespace

absl::StatusOr<WatchSource::Opened> WatchSource::Open(Core& core, const SessionKey& key,
                                                      bool mailboxes) {
  UNIPRESENCE_ASSIGN_OR_RETURN(Caller caller, access_.admit(core, key, {}));
  UNIPRESENCE_RETURN_IF_ERROR(access_.open(core, caller));
  ++streams_;
  const bool started = !std::exchange(wanted_, true);
  if (started) want_batches_(true);
  const bool mailboxes_started = mailboxes && !std::exchange(mailboxes_wanted_, true);
  if (mailboxes_started) want_mailboxes_(true);
  return Opened{.caller = std::move(caller),
                .registration = {.epoch = core.presences.epoch(),
                                 .sequence = core.presences.sequence(),
                                 .removal_sequence = core.presences.removal_sequence(),
                                 .mailbox_sequence = core.mailboxes.sequence()},
                .started = started,
                .mailboxes_started = mailboxes_started};
}

void WatchSource::Close(Core& core, const Caller& caller) {
  access_.close(core, caller);
  --streams_;
  idle_since_ = core.clock.Now();
}

bool WatchSource::StopIfIdle(Core& core) {
  if (!wanted_ || streams_ > 0 || core.clock.Now() - idle_since_ < options_.linger) return false;
  wanted_ = false;
  want_batches_(false);
  if (std::exchange(mailboxes_wanted_, false)) want_mailboxes_(false);
  return true;
}

InitialSlice WatchSource::ReadSlice(const Core& core, const WatchedUsers& users,
                                    const SliceRequest& request) const {
  InitialSlice slice;
  slice.attempt = request.attempt;
  slice.sequence = core.presences.sequence();
  slice.mailbox_sequence = core.mailboxes.sequence();
  SliceWriter writer(request, slice);
  const auto add_mailbox = [&](std::string_view user) {
    if (!request.mailboxes || !Contains(request.mailbox_users, user)) return;
    core.mailboxes.Read(user, [&](const Mailbox& mailbox) { writer.AddMailbox(mailbox); });
  };
  // Boxes alone, and not everyone's: only their users are passed.
  const WatchedUsers& passed =
      request.presences || !request.mailbox_users ? users : request.mailbox_users;
  if (passed == nullptr) {
    slice.next_cursor = core.presences.Read(request.cursor, options_.slice_users,
                                            [&](const PresenceSource::Entry& entry) {
                                              writer.Add(entry);
                                              add_mailbox(entry.presence.user);
                                            });
    return slice;
  }
  const std::size_t end =
      std::min<std::size_t>(request.cursor + options_.slice_users, passed->size());
  for (std::size_t i = request.cursor; i < end; ++i) {
    const std::string& user = (*passed)[i];
    if (!core.presences.Read(user,
                             [&](const PresenceSource::Entry& entry) { writer.Add(entry); })) {
      writer.AddUnknown(user, slice.sequence);
    }
    add_mailbox(user);
  }
  slice.next_cursor = end < passed->size() ? end : 0;
  return slice;
}

}  // namespace unipresence
