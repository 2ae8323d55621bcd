#include "tests/simulation/rights.h"

#include <array>
#include <utility>

namespace unipresence::simulation {
namespace {

constexpr std::array<std::pair<std::string_view, Rights>, 14> kNames{{
    {"system", kSystem},
    {"call", kCall},
    {"log", kLog},
    {"verbose", kVerbose},
    {"command", kCommand},
    {"agent", kAgent},
    {"user", kUser},
    {"config", kConfig},
    {"dtmf", kDtmf},
    {"reporting", kReporting},
    {"cdr", kCdr},
    {"dialplan", kDialplan},
    {"originate", kOriginate},
    {"security", kSecurity},
}};

std::optional<Rights> ParseOne(std::string_view word) {
  if (word == "all") return kAllRights;
  for (const auto& [name, bit] : kNames) {
    if (name == word) return bit;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Rights> ParseRights(std::string_view words) {
  Rights rights = 0;
  while (!words.empty()) {
    const std::size_t comma = words.find(',');
    const std::optional<Rights> one = ParseOne(words.substr(0, comma));
    if (!one.has_value()) return std::nullopt;
    rights |= *one;
    words = comma == std::string_view::npos ? std::string_view() : words.substr(comma + 1);
  }
  return rights;
}

std::string PrivilegeText(Rights rights) {
  std::string text;
  for (const auto& [name, bit] : kNames) {
    if ((rights & bit) != 0) text.append(name).append(",");
  }
  return text.append("all");
}

}  // namespace unipresence::simulation
