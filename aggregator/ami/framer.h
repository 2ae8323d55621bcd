#ifndef UNIPRESENCE_AGGREGATOR_AMI_FRAMER_H_
#define UNIPRESENCE_AGGREGATOR_AMI_FRAMER_H_

// Cuts a stream of AMI bytes into messages, without copying them.
//
//   std::span<char> room = framer.Prepare(256 * 1024);   // read the socket into it
//   framer.Commit(bytes_read);
//   while (const Message* message = framer.Next()) { ... }
//   if (!framer.status().ok()) close the link;
//
// The messages do not depend on how the stream was cut into reads. Empty messages (a stray CR LF)
// are passed over. Limits guard the memory: of a message beyond one of them only the headers are
// handed out that say what it was, and cut_bytes() says how long it was; the next message follows
// as if nothing had been. A message that does not end within kMaxUnendedBytes is no AMI any more:
// then the framer stops for good, until Reset(). Any bytes are safe.
//
// Thread: one at a time.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "aggregator/ami/line_index.h"
#include "aggregator/ami/message.h"

namespace unipresence::ami {

// Sizes count the CR LF of the lines.
inline constexpr std::size_t kMaxLineBytes = 8 * 1024;
inline constexpr std::size_t kMaxHeaders = 256;
inline constexpr std::size_t kMaxMessageBytes = 64 * 1024;
inline constexpr std::size_t kMaxUnendedBytes = 1024 * 1024;

class Framer {
 public:
  Framer();
  Framer(const Framer&) = delete;
  Framer& operator=(const Framer&) = delete;

  // At least `minimum` bytes of free space behind what was committed. Invalidates everything that
  // Next() and NextLine() returned. The space is the framer's and valid until the next call of
  // Prepare() or Reset().
  std::span<char> Prepare(std::size_t minimum);

  // The first `size` bytes of the prepared space hold data.
  void Commit(std::size_t size);

  // The next complete message; null when more bytes are needed or status() is an error. The message
  // is valid until the next call of Next(), the string views in it until the next Prepare() or
  // Reset().
  //
  // Of a message beyond the limits it holds the first header, ActionID, Privilege, EventList and
  // UserEvent at most, each if its line is no longer than kMaxKeptBytes; it may be without any. All
  // of it is valid until the next call of Next() only.
  const Message* Next();

  // The size of the message that Next() returned last, if it was beyond the limits; else 0.
  std::size_t cut_bytes() const { return cut_bytes_; }

  // The next line without its CR LF, for the banner, which is no message; nullopt when more bytes
  // are needed or status() is an error. Call it only before the first Next() of a stream.
  std::optional<std::string_view> NextLine();

  // RESOURCE_EXHAUSTED after a message without an end, or a banner beyond kMaxLineBytes; the text
  // gives the size found and the limit. Messages before it have been returned.
  const absl::Status& status() const { return status_; }

  // Bytes held that belong to no message returned yet; of a message beyond the limits few are.
  std::size_t pending_bytes() const { return committed_ - begin_; }

  // Forgets the stream and its error: for a new connection. Keeps the memory.
  void Reset();

 private:
  // Bytes indexed at once. Their index stays in the first-level cache until the messages are used.
  static constexpr std::size_t kChunk = 4096;
  static constexpr std::size_t kIndexCapacity = kMaxHeaders + 2 + kChunk / 2 + 1 + kLineIndexSlack;

  // Of a line of a message beyond the limits.
  static constexpr std::size_t kMaxKeptBytes = 512;

  bool IndexMore();
  const Message* Finish(std::size_t end);
  bool LineWithinLimits(std::uint32_t end) const;
  void CheckTail();
  void BeginCut();
  void CutLine(std::uint32_t end);
  void Keep(std::string_view line);
  const Message* FinishCut(std::uint32_t end);
  void Fail(std::string_view what, std::size_t found, std::size_t limit);

  LineIndexer indexer_;
  // One byte ahead of the data is readable (line_index.h).
  std::unique_ptr<char[]> memory_;
  std::size_t capacity_ = 0;

  // Offsets in the data: begin_ <= line_begin_ <= scanned_ <= committed_ <= capacity_.
  std::uint32_t begin_ = 0;       // of the message being cut
  std::uint32_t line_begin_ = 0;  // of its newest line
  std::uint32_t scanned_ = 0;     // lines are indexed up to here
  std::uint32_t committed_ = 0;

  // Line ends: [first_, cursor_) of the message being cut, [cursor_, index_size_) not looked at
  // yet.
  std::unique_ptr<std::uint32_t[]> index_;
  std::size_t first_ = 0;
  std::size_t cursor_ = 0;
  std::size_t index_size_ = 0;

  // Of a message beyond the limits, whose bytes are let go as they come.
  bool cutting_ = false;
  bool line_cut_ = false;      // line_begin_ is no longer where its newest line began
  std::size_t cut_ = 0;        // bytes let go
  std::size_t cut_bytes_ = 0;  // of the one returned last
  std::uint32_t kept_names_ = 0;
  std::string kept_;  // the headers to hand out

  Message message_{std::string_view()};
  absl::Status status_;
};

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_FRAMER_H_
