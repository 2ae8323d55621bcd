#ifndef UNIPRESENCE_TESTS_UNIT_CLI_CAPTURED_OUTPUT_H_
#define UNIPRESENCE_TESTS_UNIT_CLI_CAPTURED_OUTPUT_H_

// An Output whose lines can be read back, and waited for.

#include <sys/mman.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "clients/cli/output.h"

namespace unipresence::cli {

class CapturedOutput {
 public:
  explicit CapturedOutput(bool colours = false, std::function<std::size_t()> width = {})
      : fd_(memfd_create("output", MFD_CLOEXEC)), output_(fd_, colours, std::move(width)) {}
  CapturedOutput(bool colours, std::size_t width)
      : CapturedOutput(colours, [width] { return width; }) {}
  ~CapturedOutput() { close(fd_); }
  CapturedOutput(const CapturedOutput&) = delete;
  CapturedOutput& operator=(const CapturedOutput&) = delete;

  Output& output() { return output_; }

  std::string Text() const {
    std::string text(static_cast<std::size_t>(lseek(fd_, 0, SEEK_CUR)), '\0');
    text.resize(static_cast<std::size_t>(pread(fd_, text.data(), text.size(), 0)));
    return text;
  }

  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    std::string rest = Text();
    for (std::size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      lines.push_back(rest.substr(0, end));
      rest.erase(0, end + 1);
    }
    if (!rest.empty()) lines.push_back(rest);
    return lines;
  }

 private:
  const int fd_;
  Output output_;
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_TESTS_UNIT_CLI_CAPTURED_OUTPUT_H_
