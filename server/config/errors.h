#ifndef UNIPRESENCE_SERVER_CONFIG_ERRORS_H_
#define UNIPRESENCE_SERVER_CONFIG_ERRORS_H_

// Everything that is wrong with a file, so that its author mends it in one go.

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace unipresence::config {

// Errors listed before the rest is only counted.
inline constexpr std::size_t kMaxErrorsListed = 100;

class ErrorList {
 public:
  // `file` is its name in messages.
  explicit ErrorList(std::string file) : file_(std::move(file)) {}

  void Add(int line, std::string_view message);  // "FILE:LINE: message"
  void Add(std::string_view message);            // as it is: not about a line of the file

  bool empty() const { return count_ == 0; }
  std::size_t count() const { return count_; }

  // OK, or INVALID_ARGUMENT with one error a line.
  absl::Status ToStatus() const;

 private:
  std::string file_;
  std::size_t count_ = 0;
  std::vector<std::string> listed_;
};

}  // namespace unipresence::config

#endif  // UNIPRESENCE_SERVER_CONFIG_ERRORS_H_
