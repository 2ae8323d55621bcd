#include "server/streaming/watch_stream.h"

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

// The first byte of a token: its version, and whether it is exact.
constexpr char kExact = 1;
constexpr char kInexact = 2;
// In a token of who must begin anew: no stream comes to this.
constexpr std::uint64_t kNoPlace = ~std::uint64_t{0};
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
  std::string token(kTokenSize, exact ? kExact : kInexact);
  std::memcpy(token.data() + 1, &epoch, sizeof(epoch));
  std::memcpy(token.data() + 9, &sequence, sizeof(sequence));
  std::memcpy(token.data() + 17, &users_hash, sizeof(users_hash));
  return token;
}

std::optional<ResumeToken> ResumeToken::Decode(std::string_view token) {
  if (token.size() != kTokenSize || (token[0] != kExact && token[0] != kInexact)) {
    return std::nullopt;
  }
  ResumeToken decoded;
  decoded.exact = token[0] == kExact;
  std::memcpy(&decoded.epoch, token.data() + 1, sizeof(decoded.epoch));
  std::memcpy(&decoded.sequence, token.data() + 9, sizeof(decoded.sequence));
  std::memcpy(&decoded.users_hash, token.data() + 17, sizeof(decoded.users_hash));
  return decoded;
}

WatchStream::WatchStream(WatchedUsers users, std::string resume_token)
    : users_(std::move(users)),
      users_hash_(HashOf(users_)),
      resume_token_(std::move(resume_token)) {}

WatchStream::Start WatchStream::Begin(const WatchRegistration& registration,
                                      const WatchHistory& history) {
  const WatchLog& log = history.log();
  epoch_ = registration.epoch;
  const std::optional<ResumeToken> token = ResumeToken::Decode(resume_token_);
  const bool wants_resume = !resume_token_.empty();
  resume_token_.clear();
  const bool can_resume = token && token->epoch == epoch_ && token->users_hash == users_hash_ &&
                          token->sequence <= registration.sequence;
  mailbox_start_ = registration.mailbox_sequence;
  if (can_resume && token->exact && token->sequence >= log.begin()) {
    after_ = token->sequence;
    complete_at_ = after_;
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
  if (saw_removals) complete_at_ = token->sequence;
  ReadAll(log, saw_removals ? token->sequence : 0);
  if (reset_due_) return Start::kReset;
  return saw_removals ? Start::kReread : Start::kFresh;
}

void WatchStream::StartOver(const WatchHistory& history) {
  reset_due_ = true;
  complete_at_.reset();
  after_ = history.log().end();
  ReadAll(history.log(), 0);
}

void WatchStream::WatchMailboxes(const std::string& user, bool all, const NewestLog& mailbox_log) {
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
  initial_after_ = after_;
  unless_up_to_ = unless_up_to;
  slice_.reset();
  backlog_.Clear();
  current_at_.reset();
  CollectChanges(log);
}

void WatchStream::CollectChanges(const WatchLog& log) {
  if (everyone()) return;
  pending_.clear();
  for (std::size_t i = 0; i < users_->size(); ++i) {
    std::optional<WatchLog::Change> change = log.Newest((*users_)[i]);
    while (change && change->sequence > after_) {
      pending_.push_back({.sequence = change->sequence, .user = static_cast<std::uint32_t>(i)});
      if (change->before <= after_) break;
      change = log.At(change->before);
    }
  }
  std::sort(pending_.begin(), pending_.end(),
            [](const Pending& a, const Pending& b) { return a.sequence < b.sequence; });
}

void WatchStream::NoteChange(std::size_t index, std::uint64_t sequence,
                             const WatchHistory& history) {
  // The pipeline may have registered the stream ahead of batches that are still on their way.
  if (sequence <= after_) return;
  pending_.push_back({.sequence = sequence, .user = static_cast<std::uint32_t>(index)});
  if (pending_.size() > kMaxPending) MergePending(history);
}

bool WatchStream::FallsBehind(std::uint64_t sequence, const WatchHistory& history) {
  if (everyone()) return after_ < sequence || !backlog_.empty();
  if (!pending_.empty() && pending_.front().sequence <= sequence) MergePending(history);
  return !backlog_.empty();
}

void WatchStream::MergePending(const WatchHistory& history) {
  WatchHistory::MergedUsers merged;
  for (const Pending& change : pending_) {
    WatchHistory::Fold(history.log().At(change.sequence), merged);
  }
  const std::uint64_t place = std::exchange(after_, pending_.back().sequence);
  pending_.clear();
  backlog_.Merge(std::move(merged), place, after_, history);
}

std::optional<SliceRequest> WatchStream::TakeSliceRequest() {
  if (!initial_ || slice_asked_ || slice_) return std::nullopt;
  slice_asked_ = true;
  return SliceRequest{.attempt = attempt_,
                      .cursor = cursor_,
                      .unless_up_to = unless_up_to_,
                      .newer_than = initial_after_,
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

std::optional<WatchStream::Response> WatchStream::Next(const WatchHistory& history,
                                                       std::size_t max_bytes) {
  if (initial_) {
    if (!slice_) return std::nullopt;
    if (std::optional<Response> response = NextInitial()) return response;
    if (initial_) return std::nullopt;
  }
  return NextChanges(history, max_bytes);
}

std::optional<WatchStream::Response> WatchStream::NextInitial() {
  InitialSlice slice = *std::exchange(slice_, std::nullopt);
  for (const auto& [user, sequence] : slice.newer) backlog_.ShownInitially(user, sequence);
  if (mailboxes_) {
    mailboxes_->AddInitial(slice.mailbox_sequence, std::move(slice.newer_mailboxes));
  }
  cursor_ = slice.next_cursor;
  if (cursor_ == 0) {
    initial_ = false;
    if (mailboxes_) mailboxes_->EndInitial();
    current_at_ = slice.sequence;
    complete_at_ = after_;
  }
  if (slice.wire.empty() && !reset_due_) return std::nullopt;
  const v1::WatchEvent event =
      std::exchange(reset_due_, false) ? v1::WATCH_EVENT_RESET : v1::WATCH_EVENT_UPDATES;
  const std::array<grpc::Slice, 2> slices = {grpc::Slice(slice.wire), TailOf(Token(), event)};
  return Response{.bytes = grpc::ByteBuffer(slices.data(), slices.size()),
                  .updates = slice.updates};
}

std::optional<WatchStream::Response> WatchStream::NextChanges(const WatchHistory& history,
                                                              std::size_t max_bytes) {
  WatchPiece piece = TakeChanges(history, max_bytes);
  Settle(history.log());
  // Nothing is left below where the stream now stands.
  const bool complete = backlog_.empty() && pending_.empty();
  WatchPiece boxes = mailboxes_ ? mailboxes_->Take(max_bytes) : WatchPiece{};
  const bool current =
      current_at_ && complete && after_ >= *current_at_ && (!mailboxes_ || mailboxes_->current());
  if (current) current_at_.reset();
  if (piece.updates == 0 && boxes.updates == 0 && !current) return std::nullopt;
  std::move(boxes.slices.begin(), boxes.slices.end(), std::back_inserter(piece.slices));
  piece.slices.push_back(
      TailOf(Token(), current ? v1::WATCH_EVENT_CURRENT : v1::WATCH_EVENT_UPDATES));
  return Response{.bytes = grpc::ByteBuffer(piece.slices.data(), piece.slices.size()),
                  .updates = piece.updates,
                  .missed = piece.missed};
}

// Sees where it stands after what was sent.
void WatchStream::Settle(const WatchLog& log) {
  if (!everyone() && pending_.empty() && backlog_.empty()) after_ = std::max(after_, log.end());
  backlog_.Reached(after_);
  if (backlog_.empty() && !backlog_.ahead()) complete_at_ = after_;
}

WatchPiece WatchStream::TakeChanges(const WatchHistory& history, std::size_t max_bytes) {
  const WatchLog& log = history.log();
  if (everyone() && after_ < log.begin()) {
    const std::uint64_t place = std::exchange(after_, log.end());
    backlog_.Merge(history.Since(place), place, after_, history);
  }
  WatchPiece piece = backlog_.Take(max_bytes, after_, history);
  if (!backlog_.empty()) return piece;
  if (!everyone()) {
    TakePending(log, max_bytes, piece);
  } else if (after_ < log.end() && piece.bytes < max_bytes) {
    // Else the log may not have come to this place yet.
    WatchPiece changes = log.Read(after_, max_bytes - piece.bytes,
                                  [this](std::string_view user, std::uint64_t sequence) {
                                    return backlog_.Passes(user, sequence);
                                  });
    after_ = changes.next;
    piece.Append(std::move(changes));
  }
  return piece;
}

void WatchStream::TakePending(const WatchLog& log, std::size_t max_bytes, WatchPiece& piece) {
  std::string bytes;
  while (!pending_.empty() && piece.bytes + bytes.size() < max_bytes) {
    const WatchLog::Change change = log.At(pending_.front().sequence);
    pending_.pop_front();
    after_ = change.sequence;
    if (backlog_.Passes(change.user, change.sequence)) continue;
    bytes.append(change.wire);
    ++piece.updates;
  }
  piece.bytes += bytes.size();
  if (!bytes.empty()) piece.slices.emplace_back(bytes);
}

WatchStream::Response WatchStream::SignOfLife(const WatchHistory& history) {
  if (!initial_) Settle(history.log());
  const grpc::Slice tail = TailOf(Token(), v1::WATCH_EVENT_UPDATES);
  return Response{.bytes = grpc::ByteBuffer(&tail, 1), .updates = 0};
}

std::optional<std::uint64_t> WatchStream::SharedPlace(const WatchHistory& history) const {
  if (!everyone() || mailboxes_ || initial_ || current_at_ || !backlog_.empty() ||
      backlog_.ahead() || after_ < history.log().begin()) {
    return std::nullopt;
  }
  return after_;
}

std::string WatchStream::Token() const {
  return ResumeToken{.epoch = epoch_,
                     .sequence = complete_at_.value_or(kNoPlace),
                     .users_hash = users_hash_,
                     .exact = complete_at_ == after_ && backlog_.empty() && !backlog_.ahead()}
      .Encode();
}

}  // namespace unipresence
