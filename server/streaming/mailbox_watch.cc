#include "server/streaming/mailbox_watch.h"

#include <algorithm>

#include "aggregator/base/strings.h"

namespace unipresence {

void MailboxWatch::Begin(std::uint64_t sequence) {
  after_ = std::max(sequence, log_.begin());
  initial_ = true;
  newer_.clear();
  current_at_.reset();
  pending_.clear();
  is_pending_.clear();
  if (everyone()) return;
  for (const std::string& user : *users_) {
    const std::optional<NewestLog::Change> newest = log_.Newest(user);
    if (newest) NoteChange(user, newest->sequence);
  }
}

void MailboxWatch::AddInitial(std::uint64_t sequence,
                              std::vector<std::pair<std::string, std::uint64_t>> newer) {
  for (auto& [user, newest] : newer) newer_[std::move(user)] = newest;
  current_at_ = sequence;
}

void MailboxWatch::NoteChange(std::string_view user, std::uint64_t sequence) {
  if (sequence <= after_ || is_pending_.contains(ToAbsl(user))) return;
  if (pending_.empty() && current()) after_ = sequence - 1;
  is_pending_.emplace(user);
  pending_.emplace_back(user);
}

WatchPiece MailboxWatch::Take(std::size_t max_bytes) {
  const auto has_newer = [this](std::string_view user, std::uint64_t sequence) {
    return HasNewer(user, sequence);
  };
  WatchPiece piece;
  piece.next = after_;
  if (!everyone()) {
    piece = TakePending(max_bytes);
    if (pending_.empty()) after_ = std::max(after_, log_.end());
  } else if (after_ < log_.end()) {
    piece = log_.Read(after_, max_bytes, has_newer);
    after_ = piece.next;
  }
  if (!initial_ && current_at_ && pending_.empty() && after_ >= *current_at_) {
    current_at_.reset();
    newer_.clear();
  }
  return piece;
}

WatchPiece MailboxWatch::TakePending(std::size_t max_bytes) {
  WatchPiece piece;
  std::string bytes;
  while (!pending_.empty() && bytes.size() < max_bytes) {
    const std::string user = std::move(pending_.front());
    pending_.pop_front();
    is_pending_.erase(user);
    const std::optional<NewestLog::Change> newest = log_.Newest(user);
    if (!newest || HasNewer(user, newest->sequence)) continue;
    bytes.append(newest->wire);
    ++piece.updates;
  }
  piece.bytes = bytes.size();
  if (!bytes.empty()) piece.slices.emplace_back(bytes);
  return piece;
}

bool MailboxWatch::HasNewer(std::string_view user, std::uint64_t sequence) const {
  if (newer_.empty()) return false;
  const auto it = newer_.find(ToAbsl(user));
  return it != newer_.end() && it->second >= sequence;
}

std::uint64_t MailboxWatch::Needs() const {
  return !everyone() && current() && pending_.empty() ? log_.end() : after_;
}

}  // namespace unipresence
