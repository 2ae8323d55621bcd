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
#include <cstddef>
#include <functional>
#include <string_view>
#include <utility>

namespace unipresence::cli {

class Output {
 public:
  // Does not own `fd`. `colours`: whether lines may be coloured. `width`: asked for how wide lines
  // may be; without it they may have any width.
  explicit Output(int fd, bool colours = false, std::function<std::size_t()> width = {})
      : fd_(fd), colours_(colours), width_(std::move(width)) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // True if `fd` is a terminal that shows colours and the person did not opt out
  // (NO_COLOR, https://no-color.org; TERM=dumb).
  static bool TerminalWithColours(int fd);

  // How many columns the terminal has now: as it says itself, else as COLUMNS says, else 80. 0 if
  // `fd` is no terminal.
  static std::size_t TerminalWidth(int fd);

  // Writes the text and a line break.
  void Line(std::string_view text);

  bool colours() const { return colours_; }
  // How many columns a line may take now; 0 = any number.
  std::size_t width() const { return width_ ? width_() : 0; }
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
  const std::function<std::size_t()> width_;
  std::atomic<bool> closed_{false};
  std::atomic<int> error_{0};
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_OUTPUT_H_
