#include "aggregator/ami/framer.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>

#include "fmt/format.h"

namespace unipresence::ami {
namespace {

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "ami::Framer: %s\n", what);
  std::abort();
}

// What is kept of a message beyond the limits, besides its first header.
constexpr std::string_view kKept[] = {"ActionID: ", "Privilege: ", "EventList: ", "UserEvent: "};

}  // namespace

Framer::Framer()
    : indexer_(BestLineIndexer()), index_(std::make_unique<std::uint32_t[]>(kIndexCapacity)) {}

void Framer::Reset() {
  begin_ = line_begin_ = scanned_ = committed_ = 0;
  first_ = cursor_ = index_size_ = 0;
  cutting_ = line_cut_ = false;
  cut_ = cut_bytes_ = 0;
  status_ = absl::OkStatus();
}

std::span<char> Framer::Prepare(std::size_t minimum) {
  // What is left is at most a message within its limits, unless Next() was not called to the end.
  // It moves only when the space runs out: moved at each read, a message that comes in small pieces
  // would be copied many times.
  const bool empty = begin_ == committed_;
  if (begin_ > 0 && (empty || minimum > capacity_ - committed_)) {
    std::memmove(memory_.get() + 1, memory_.get() + 1 + begin_, committed_ - begin_);
    for (std::size_t i = first_; i < index_size_; ++i) index_[i] -= begin_;
    line_begin_ -= begin_;
    scanned_ -= begin_;
    committed_ -= begin_;
    begin_ = 0;
    memory_[0] = '\0';
  }
  if (memory_ == nullptr || minimum > capacity_ - committed_) {
    const std::size_t capacity = committed_ + minimum + kMaxMessageBytes;
    if (capacity > std::numeric_limits<std::uint32_t>::max()) Die("more than 4 GiB prepared");
    auto memory = std::make_unique<char[]>(capacity + 1);
    if (memory_ != nullptr) std::memcpy(memory.get() + 1, memory_.get() + 1, committed_);
    memory_ = std::move(memory);
    capacity_ = capacity;
  }
  return {memory_.get() + 1 + committed_, capacity_ - committed_};
}

void Framer::Commit(std::size_t size) {
  if (size > capacity_ - committed_) Die("more bytes committed than prepared");
  committed_ += static_cast<std::uint32_t>(size);
}

const Message* Framer::Next() {
  cut_bytes_ = 0;
  if (!status_.ok()) return nullptr;
  do {
    while (cursor_ < index_size_) {
      const std::uint32_t end = index_[cursor_];
      if (end - line_begin_ == 1) {  // CR LF alone ends the message
        const Message* message = cutting_ ? FinishCut(end) : Finish(end);
        if (message != nullptr) return message;
        continue;
      }
      if (cutting_ || !LineWithinLimits(end)) {
        CutLine(end);
        if (!status_.ok()) return nullptr;
        continue;
      }
      line_begin_ = end + 1;
      ++cursor_;
    }
  } while (IndexMore());
  CheckTail();
  return nullptr;
}

// Whether the line [line_begin_, end] and the message up to it may be that long.
bool Framer::LineWithinLimits(std::uint32_t end) const {
  return end + 1 - line_begin_ <= kMaxLineBytes && cursor_ - first_ < kMaxHeaders &&
         end + 1 - begin_ <= kMaxMessageBytes;
}

// Takes the lines [first_, cursor_) as a message and steps over the empty line that ends at `end`.
// Null for a message without lines.
const Message* Framer::Finish(std::size_t end) {
  const std::size_t count = cursor_ - first_;
  if (count > 0) message_ = Message(memory_.get() + 1, begin_, index_.get() + first_, count);
  begin_ = line_begin_ = static_cast<std::uint32_t>(end + 1);
  first_ = ++cursor_;
  return count > 0 ? &message_ : nullptr;
}

std::optional<std::string_view> Framer::NextLine() {
  if (!status_.ok()) return std::nullopt;
  while (cursor_ == index_size_) {
    if (IndexMore()) continue;
    const std::size_t size = committed_ - line_begin_;
    if (size > kMaxLineBytes) Fail("first line", size, kMaxLineBytes);
    return std::nullopt;
  }
  const std::uint32_t end = index_[cursor_];
  if (!LineWithinLimits(end)) {
    Fail("first line", end + 1 - line_begin_, kMaxLineBytes);
    return std::nullopt;
  }
  const std::string_view line(memory_.get() + 1 + begin_, end - 1 - begin_);
  begin_ = line_begin_ = end + 1;
  first_ = ++cursor_;
  return line;
}

// Indexes the next chunk; false if everything is indexed.
bool Framer::IndexMore() {
  if (scanned_ == committed_) return false;
  // Only the lines of the unfinished message are still needed.
  const std::size_t kept = cursor_ - first_;
  if (first_ > 0) {
    std::copy(index_.get() + first_, index_.get() + cursor_, index_.get());
    first_ = 0;
    cursor_ = kept;
  }
  const std::size_t size = std::min<std::size_t>(kChunk, committed_ - scanned_);
  index_size_ = kept + indexer_(memory_.get() + 1 + scanned_, size, scanned_, index_.get() + kept);
  scanned_ += static_cast<std::uint32_t>(size);
  return true;
}

// An unfinished line or message must not grow for ever. The CR of the closing empty line may
// already be there behind a message of the full size.
void Framer::CheckTail() {
  if (!cutting_) {
    const bool within =
        committed_ - line_begin_ <= kMaxLineBytes && committed_ - begin_ <= kMaxMessageBytes + 1;
    if (within) return;
    BeginCut();
  }
  // The last two bytes stay, so that a CR in one read and its LF in the next are found, and are not
  // taken for an empty line. What might be kept stays as well.
  if (committed_ - line_begin_ > kMaxKeptBytes + 1) {
    line_begin_ = committed_ - 2;
    line_cut_ = true;
  }
  cut_ += line_begin_ - begin_;
  begin_ = line_begin_;
  const std::size_t size = cut_ + (committed_ - begin_);
  if (size > kMaxUnendedBytes + 1) Fail("message without an end", size, kMaxUnendedBytes);
}

// ---- Messages beyond the limits ----

// The lines [first_, cursor_) are whole; the next one is too long, too many or too far.
void Framer::BeginCut() {
  cutting_ = true;
  line_cut_ = false;
  kept_.clear();
  kept_names_ = 0;
  std::uint32_t begin = begin_;
  for (; first_ < cursor_; ++first_) {
    const std::uint32_t end = index_[first_];
    const std::string_view line(memory_.get() + 1 + begin, end + 1 - begin);
    if (begin != begin_) {
      Keep(line);
    } else if (line.size() <= kMaxKeptBytes + 2) {
      kept_ = line;
    }
    begin = end + 1;
  }
  cut_ = line_begin_ - begin_;
  begin_ = line_begin_;
}

void Framer::CutLine(std::uint32_t end) {
  if (!cutting_) BeginCut();
  if (!line_cut_) {
    Keep(std::string_view(memory_.get() + 1 + line_begin_, end + 1 - line_begin_));
  }
  cut_ += end + 1 - begin_;
  begin_ = line_begin_ = end + 1;
  line_cut_ = false;
  first_ = ++cursor_;
  if (cut_ > kMaxUnendedBytes) Fail("message without an end", cut_, kMaxUnendedBytes);
}

// Keeps the line, CR LF included, if it is one of kKept.
void Framer::Keep(std::string_view line) {
  if (line.size() > kMaxKeptBytes + 2) return;
  for (std::size_t i = 0; i < std::size(kKept); ++i) {
    if ((kept_names_ >> i & 1) != 0 || !line.starts_with(kKept[i])) continue;
    kept_names_ |= 1U << i;
    kept_ += line;
  }
}

const Message* Framer::FinishCut(std::uint32_t end) {
  cutting_ = false;
  cut_bytes_ = cut_;
  begin_ = line_begin_ = end + 1;
  first_ = ++cursor_;
  message_ = Message(kept_);
  return &message_;
}

void Framer::Fail(std::string_view what, std::size_t found, std::size_t limit) {
  status_ = absl::ResourceExhaustedError(fmt::format(
      "AMI {} of at least {} bytes, limit {}: the peer does not speak AMI or the stream "
      "is damaged; connect anew",
      what, found, limit));
}

}  // namespace unipresence::ami
