#include "aggregator/ami/action.h"

#include <algorithm>

#include "fmt/format.h"

namespace unipresence::ami {
namespace {

constexpr std::string_view kForbidden("\r\n\0", 3);

std::string_view NameOfControl(char c) {
  if (c == '\r') return "CR";
  if (c == '\n') return "LF";
  return "NUL";
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Asterisk compares header names without regard to case.
bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

absl::Status CheckName(std::string_view action, std::string_view name) {
  if (name.empty()) {
    return absl::InvalidArgumentError(fmt::format("action {}: a header without a name", action));
  }
  // The name itself is not printed: it may hold anything.
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    if (c <= ' ' || c == ':' || c == 0x7f) {
      return absl::InvalidArgumentError(
          fmt::format("action {}: byte {:#04x} at {} in the name of a header; names are printable, "
                      "without blank and colon",
                      action, c, i));
    }
  }
  if (SameName(name, "Action") || SameName(name, "ActionID")) {
    return absl::InvalidArgumentError(
        fmt::format("action {}: header {} is set by the session", action, name));
  }
  return absl::OkStatus();
}

absl::Status CheckValue(std::string_view action, std::string_view name, std::string_view value) {
  const std::size_t bad = value.find_first_of(kForbidden);
  if (bad != std::string_view::npos) {
    return absl::InvalidArgumentError(
        fmt::format("action {}: {} at byte {} of the value of header {}; a value is one line",
                    action, NameOfControl(value[bad]), bad, name));
  }
  const std::size_t line = name.size() + 2 + value.size() + 2;
  if (line > kMaxActionLineBytes) {
    return absl::InvalidArgumentError(fmt::format(
        "action {}: header {} makes a line of {} bytes, limit {} (Asterisk refuses longer "
        "ones); shorten the value",
        action, name, line, kMaxActionLineBytes));
  }
  return absl::OkStatus();
}

void AppendLine(std::string_view name, std::string_view value, std::string& out) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

ActionBuilder::ActionBuilder(std::string_view name) : name_(name) {
  if (name.empty()) {
    status_ = absl::InvalidArgumentError("an action without a name");
    return;
  }
  status_ = CheckValue("?", "Action", name);
  if (status_.ok()) AppendLine("Action", name, lines_);
}

ActionBuilder& ActionBuilder::Header(std::string_view name, std::string_view value) {
  if (!status_.ok()) return *this;
  status_ = CheckName(name_, name);
  if (status_.ok()) status_ = CheckValue(name_, name, value);
  if (status_.ok() && headers_ + 2 >= kMaxActionHeaders) {
    status_ = absl::InvalidArgumentError(
        fmt::format("action {}: header {} is one too many, limit {} with Action and ActionID",
                    name_, name, kMaxActionHeaders));
  }
  if (status_.ok()) {
    AppendLine(name, value, lines_);
    ++headers_;
  }
  return *this;
}

absl::StatusOr<std::string> ActionBuilder::Encode(std::string_view action_id) const {
  if (!status_.ok()) return status_;
  absl::Status id = CheckValue(name_, "ActionID", action_id);
  if (!id.ok()) return id;
  std::string out;
  out.reserve(lines_.size() + action_id.size() + 16);
  out = lines_;
  AppendLine("ActionID", action_id, out);
  out += "\r\n";
  return out;
}

}  // namespace unipresence::ami
