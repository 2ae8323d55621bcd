#ifndef UNIPRESENCE_CLIENTS_CLI_OUTPUT_H_
#define UNIPRESENCE_CLIENTS_CLI_OUTPUT_H_

// Where a command's results go: a file descriptor, written line by line, so that a reader at the
// other end of a pipe sees each line as soon as it exists.
//
// A reader that went away (`unipresence watch | head`) is no error: the rest is dropped, and
// `closed()` tells commands that run on to stop. The process must ignore SIGPIPE.
//
// One thread writes; `closed` and `WaitUntilClosed` are for any.

#include <atomic>
#include <string_view>

namespace unipresence::cli {

class Output {
 public:
  // Does not own `fd`. `colours`: whether lines may be coloured.
  explicit Output(int fd, bool colours = false) : fd_(fd), colours_(colours) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // True if `fd` is a terminal that shows colours and the person did not opt out
  // (NO_COLOR, https://no-color.org; TERM=dumb).
  static bool TerminalWithColours(int fd);

  // Writes the text and a line break.
  void Line(std::string_view text);

  bool colours() const { return colours_; }
  // The reader went away, or the disk is full: nothing more can be written.
  bool closed() const { return closed_; }
  // Returns true once the reader of a pipe or socket went away, false when `wake_fd` becomes
  // readable. Lets a command notice it although it has nothing to write.
  bool WaitUntilClosed(int wake_fd);

  // errno of the write that failed; 0 if none did. EPIPE: the reader went away.
  int error() const { return error_; }

 private:
  const int fd_;
  const bool colours_;
  std::atomic<bool> closed_{false};
  std::atomic<int> error_{0};
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_OUTPUT_H_
