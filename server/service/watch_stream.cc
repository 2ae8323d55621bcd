#include "server/service/watch_stream.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#include "aggregator/base/strings.h"
#include "aggregator/publish/wire.h"
#include "unipresence/v1/presence.pb.h"

namespace unipresence {
namespace {

namespace wire = publish::wire;

// Fields of WatchPresencesResponse.
constexpr std::uint32_t kResumeTokenField = 2;
constexpr std::uint32_t kEventField = 3;

constexpr char kTokenVersion = 1;
constexpr std::size_t kTokenSize = 1 + 3 * sizeof(std::uint64_t);

// FNV-1a: stable over restarts, and a wrong match costs one user no more than a wrong resume of his
// own.
std::uint64_t HashOf(const WatchedUsers& users) {
  if (users == nullptr) return 0;
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](char c) { hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3; };
  for (const std::string& user : *users) {
    std::for_each(user.begin(), user.end(), add);
    add('\0');
  }
  return hash == 0 ? 1 : hash;
}

// The end of a response: token and event.
grpc::Slice TailOf(std::string_view token, v1::WatchEvent event) {
  std::array<char, kTokenSize + 8> buffer;
  char* out = buffer.data();
  if (!token.empty()) out = wire::PutBytesField<kResumeTokenField>(out, token);
  out = wire::PutVarintField<kEventField>(out, static_cast<std::uint64_t>(event));
  return grpc::Slice(buffer.data(), static_cast<std::size_t>(out - buffer.data()));
}

}  // namespace

std::string ResumeToken::Encode() const {
  std::string token(kTokenSize, kTokenVersion);
  std::memcpy(token.data() + 1, &epoch, sizeof(epoch));
  std::memcpy(token.data() + 9, &sequence, sizeof(sequence));
  std::memcpy(token.data() + 17, &users_hash, sizeof(users_hash));
  return token;
}

std::optional<ResumeToken> ResumeToken::Decode(std::string_view token) {
  if (token.size() != kTokenSize || token[0] != kTokenVersion) return std::nullopt;
  ResumeToken decoded;
  std::memcpy(&decoded.epoch, token.data() + 1, sizeof(decoded.epoch));
  std::memcpy(&decoded.sequence, token.data() + 9, sizeof(decoded.sequence));
  std::memcpy(&decoded.users_hash, token.data() + 17, sizeof(decoded.users_hash));
  return decoded;
}

WatchStream::WatchStream(WatchedUsers users, std::string resume_token)
    : users_(std::move(users)),
      users_hash_(HashOf(users_)),
      resume_token_(std::move(resume_token)),
      is_pending_(users_ ? users_->size() : 0, false) {}

WatchStream::Start WatchStream::Begin(const WatchRegistration& registration, const WatchLog& log) {
  epoch_ = registration.epoch;
  const std::optional<ResumeToken> token = ResumeToken::Decode(resume_token_);
  const bool wants_resume = !resume_token_.empty();
  resume_token_.clear();
  const bool can_resume = token && token->epoch == epoch_ && token->users_hash == users_hash_ &&
                          token->sequence <= registration.sequence;
  mailbox_start_ = registration.mailbox_sequence;
  if (can_resume && token->sequence >= log.begin()) {
    after_ = token->sequence;
    if (mailboxes_) {
      ReadInitial(log, /*presences=*/false, 0);
    } else {
      current_at_ = registration.sequence;
      CollectChanges(log);
    }
    return Start::kResumed;
  }
  after_ = std::max(registration.sequence, log.begin());
  // A removed user is in no initial value: who has not seen the removal must forget everything.
  const bool saw_removals = can_resume && registration.removal_sequence <= token->sequence &&
                            after_ == registration.sequence;
  reset_due_ = wants_resume && !saw_removals;
  ReadAll(log, saw_removals ? token->sequence : 0);
  if (reset_due_) return Start::kReset;
  return saw_removals ? Start::kReread : Start::kFresh;
}

void WatchStream::StartOver(const WatchLog& log) {
  reset_due_ = true;
  after_ = log.begin();
  ReadAll(log, 0);
}

void WatchStream::WatchMailboxes(const std::string& user, bool all, const WatchLog& mailbox_log) {
  if (all) {
    mailboxes_.emplace(users_, mailbox_log);
  } else if (everyone() || std::binary_search(users_->begin(), users_->end(), user)) {
    mailboxes_.emplace(std::make_shared<const std::vector<std::string>>(1, user), mailbox_log);
  }
}

void WatchStream::ReadAll(const WatchLog& log, std::uint64_t unless_up_to) {
  ReadInitial(log, /*presences=*/true, unless_up_to);
}

void WatchStream::ReadInitial(const WatchLog& log, bool presences, std::uint64_t unless_up_to) {
  initial_ = true;
  presences_ = presences;
  if (mailboxes_) mailboxes_->Begin(mailbox_start_);
  slice_asked_ = false;
  ++attempt_;
  cursor_ = 0;
  unless_up_to_ = unless_up_to;
  slice_.reset();
  newer_.clear();
  current_at_.reset();
  CollectChanges(log);
}

void WatchStream::CollectChanges(const WatchLog& log) {
  if (everyone()) return;
  pending_.clear();
  std::fill(is_pending_.begin(), is_pending_.end(), false);
  for (std::size_t i = 0; i < users_->size(); ++i) {
    const std::optional<WatchLog::Entry> entry = log.Find((*users_)[i]);
    if (entry && entry->sequence > after_) NoteChange(i, entry->sequence);
  }
}

void WatchStream::NoteChange(std::size_t index, std::uint64_t sequence) {
  // The pipeline may have registered the stream ahead of batches that are still on their way.
  if (is_pending_[index] || sequence <= after_) return;
  if (pending_.empty() && !initial_ && !current_at_) after_ = sequence - 1;
  is_pending_[index] = true;
  pending_.push_back(static_cast<std::uint32_t>(index));
}

std::optional<SliceRequest> WatchStream::TakeSliceRequest() {
  if (!initial_ || slice_asked_ || slice_) return std::nullopt;
  slice_asked_ = true;
  return SliceRequest{.attempt = attempt_,
                      .cursor = cursor_,
                      .unless_up_to = unless_up_to_,
                      .newer_than = after_,
                      .presences = presences_,
                      .mailboxes = mailboxes_.has_value(),
                      .mailbox_users = mailboxes_ ? mailboxes_->users() : nullptr,
                      .mailboxes_newer_than = mailboxes_ ? mailboxes_->place() : 0};
}

bool WatchStream::AddSlice(InitialSlice slice) {
  if (!initial_ || slice.attempt != attempt_ || !slice_asked_) return false;
  slice_asked_ = false;
  slice_ = std::move(slice);
  return true;
}

std::optional<WatchStream::Response> WatchStream::Next(const WatchLog& log, std::size_t max_bytes) {
  if (initial_) {
    if (!slice_) return std::nullopt;
    if (std::optional<Response> response = NextInitial()) return response;
    if (initial_) return std::nullopt;
  }
  return NextChanges(log, max_bytes);
}

std::optional<WatchStream::Response> WatchStream::NextInitial() {
  InitialSlice slice = *std::exchange(slice_, std::nullopt);
  for (auto& [user, sequence] : slice.newer) newer_[std::move(user)] = sequence;
  if (mailboxes_) {
    mailboxes_->AddInitial(slice.mailbox_sequence, std::move(slice.newer_mailboxes));
  }
  cursor_ = slice.next_cursor;
  if (cursor_ == 0) {
    initial_ = false;
    if (mailboxes_) mailboxes_->EndInitial();
    current_at_ = slice.sequence;
  }
  if (slice.wire.empty() && !reset_due_) return std::nullopt;
  const v1::WatchEvent event =
      std::exchange(reset_due_, false) ? v1::WATCH_EVENT_RESET : v1::WATCH_EVENT_UPDATES;
  const std::array<grpc::Slice, 2> slices = {grpc::Slice(slice.wire), TailOf({}, event)};
  return Response{.bytes = grpc::ByteBuffer(slices.data(), slices.size()),
                  .updates = slice.updates};
}

std::optional<WatchStream::Response> WatchStream::NextChanges(const WatchLog& log,
                                                              std::size_t max_bytes) {
  WatchLog::Piece piece = TakeChanges(log, max_bytes);
  // Where the stream now stands, unless more is pending.
  const bool complete = everyone() || pending_.empty();
  const std::uint64_t reached = everyone() ? piece.next : log.end();
  if (complete) after_ = reached;
  WatchLog::Piece boxes = mailboxes_ ? mailboxes_->Take(max_bytes) : WatchLog::Piece{};
  const bool current =
      current_at_ && complete && reached >= *current_at_ && (!mailboxes_ || mailboxes_->current());
  if (current) {
    current_at_.reset();
    newer_.clear();
  }
  if (piece.updates == 0 && boxes.updates == 0 && !current) return std::nullopt;
  std::move(boxes.slices.begin(), boxes.slices.end(), std::back_inserter(piece.slices));
  piece.slices.push_back(TailOf(complete ? TokenAt(reached) : std::string(),
                                current ? v1::WATCH_EVENT_CURRENT : v1::WATCH_EVENT_UPDATES));
  return Response{.bytes = grpc::ByteBuffer(piece.slices.data(), piece.slices.size()),
                  .updates = piece.updates};
}

WatchLog::Piece WatchStream::TakeChanges(const WatchLog& log, std::size_t max_bytes) {
  const auto has_newer = [this](std::string_view user, std::uint64_t sequence) {
    return HasNewer(user, sequence);
  };
  WatchLog::Piece piece;
  piece.next = after_;
  if (everyone()) {
    // As above: the log may not have come to this place yet.
    return after_ < log.end() ? log.Read(after_, max_bytes, has_newer) : piece;
  }
  std::string bytes;
  while (!pending_.empty() && bytes.size() < max_bytes) {
    const std::uint32_t index = pending_.front();
    pending_.pop_front();
    is_pending_[index] = false;
    const std::string& user = (*users_)[index];
    const std::optional<WatchLog::Entry> entry = log.Find(user);
    if (!entry || HasNewer(user, entry->sequence)) continue;
    bytes.append(entry->wire);
    ++piece.updates;
  }
  piece.bytes = bytes.size();
  if (!bytes.empty()) piece.slices.emplace_back(bytes);
  return piece;
}

bool WatchStream::HasNewer(std::string_view user, std::uint64_t sequence) const {
  if (newer_.empty()) return false;
  const auto it = newer_.find(ToAbsl(user));
  return it != newer_.end() && it->second >= sequence;
}

WatchStream::Response WatchStream::SignOfLife(const WatchLog& log) const {
  const bool complete = !initial_ && !current_at_ && pending_.empty();
  const grpc::Slice tail =
      TailOf(complete ? TokenAt(everyone() ? after_ : log.end()) : "", v1::WATCH_EVENT_UPDATES);
  return Response{.bytes = grpc::ByteBuffer(&tail, 1), .updates = 0};
}

std::optional<std::uint64_t> WatchStream::SharedPlace() const {
  if (!everyone() || mailboxes_ || initial_ || current_at_) return std::nullopt;
  return after_;
}

std::uint64_t WatchStream::Needs(const WatchLog& log) const {
  if (!everyone() && !initial_ && !current_at_ && pending_.empty()) return log.end();
  return after_;
}

std::string WatchStream::TokenAt(std::uint64_t sequence) const {
  return ResumeToken{.epoch = epoch_, .sequence = sequence, .users_hash = users_hash_}.Encode();
}

}  // namespace unipresence
