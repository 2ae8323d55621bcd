#ifndef UNIPRESENCE_CLIENTS_CLI_PAIRS_H_
#define UNIPRESENCE_CLIENTS_CLI_PAIRS_H_

// Names and values below each other, written when it ends:
//
//   logged in   yes
//   device      PJSIP/alice

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clients/cli/display_text.h"
#include "clients/cli/output.h"

namespace unipresence::cli {

class Pairs {
 public:
  explicit Pairs(Output& output, std::string_view indent = "") : output_(output), indent_(indent) {}
  ~Pairs() {
    std::size_t width = 0;
    for (const auto& [name, value] : pairs_) width = std::max(width, DisplayWidth(name));
    const std::size_t before = indent_.size() + width + 2;
    // In a very narrow terminal the value has a few columns nevertheless.
    const std::size_t room =
        output_.width() == 0 ? 0 : std::max(output_.width(), before + 8) - before;
    for (const auto& [name, value] : pairs_) {
      std::string_view shown = name;
      for (const std::string& line : Wrapped(value, room)) {
        output_.Line(fmt::format("{}{:<{}}  {}", indent_, shown, width, line));
        shown = "";
      }
    }
  }
  Pairs(const Pairs&) = delete;
  Pairs& operator=(const Pairs&) = delete;

  void Add(std::string name, std::string_view value) {
    pairs_.emplace_back(std::move(name), Shown(value));
  }
  void AddUnlessEmpty(std::string name, std::string_view value) {
    if (!value.empty()) Add(std::move(name), value);
  }

 private:
  Output& output_;
  const std::string indent_;
  std::vector<std::pair<std::string, std::string>> pairs_;
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_PAIRS_H_
