#include "clients/cli/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "absl/time/time.h"
#include "aggregator/base/strings.h"
#include "aggregator/model/line_kind.h"
#include "aggregator/publish/codec.h"

namespace unipresence::cli {
namespace {

// `name` is the generated constant's own ("" when unknown), so the view lives for ever.
template <typename Enum>
std::string_view WithoutPrefix(const std::string& name, std::string_view prefix, Enum value) {
  if (static_cast<int>(value) == 0 || name.size() <= prefix.size()) return {};
  return std::string_view(name).substr(prefix.size());
}

std::string AsConstant(std::string_view word, std::string_view prefix) {
  std::string constant(prefix);
  for (const char c : word) {
    constant += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return constant;
}

template <typename Enum>
std::optional<Enum> Known(bool parsed, Enum value) {
  if (!parsed || static_cast<int>(value) == 0) return std::nullopt;
  return value;
}

}  // namespace

std::string_view Word(v1::PresenceState state) {
  return WithoutPrefix(v1::PresenceState_Name(state), "PRESENCE_STATE_", state);
}

std::string_view Word(v1::DeviceState state) {
  return WithoutPrefix(v1::DeviceState_Name(state), "DEVICE_STATE_", state);
}

std::string_view Word(v1::LineKind kind) {
  return WithoutPrefix(v1::LineKind_Name(kind), "LINE_KIND_", kind);
}

std::string_view Word(v1::LineType type) {
  return WithoutPrefix(v1::LineType_Name(type), "LINE_TYPE_", type);
}

std::string_view Word(v1::Rule rule) { return WithoutPrefix(v1::Rule_Name(rule), "RULE_", rule); }

std::string_view Word(v1::CauseKind kind) {
  return WithoutPrefix(v1::CauseKind_Name(kind), "CAUSE_KIND_", kind);
}

std::string_view Word(v1::ForwardingCondition condition) {
  return WithoutPrefix(v1::ForwardingCondition_Name(condition), "FORWARDING_CONDITION_", condition);
}

std::string_view Word(v1::PbxLinkState state) {
  return WithoutPrefix(v1::PbxLinkState_Name(state), "PBX_LINK_STATE_", state);
}

std::string_view Word(v1::CallDirection direction) {
  return WithoutPrefix(v1::CallDirection_Name(direction), "CALL_DIRECTION_", direction);
}

std::string_view Word(v1::CallState state) {
  return WithoutPrefix(v1::CallState_Name(state), "CALL_STATE_", state);
}

std::string_view Word(v1::SessionKind kind) {
  return WithoutPrefix(v1::SessionKind_Name(kind), "SESSION_KIND_", kind);
}

std::string_view Word(v1::Role role) { return WithoutPrefix(v1::Role_Name(role), "ROLE_", role); }

std::string_view Word(v1::ApplyOutcome outcome) {
  return WithoutPrefix(v1::ApplyOutcome_Name(outcome), "APPLY_OUTCOME_", outcome);
}

std::vector<std::string> PresenceStateWords() {
  std::vector<std::string> words;
  for (int value = v1::PresenceState_MIN + 1; value <= v1::PresenceState_MAX; ++value) {
    words.emplace_back(Word(static_cast<v1::PresenceState>(value)));
  }
  return words;
}

std::optional<v1::PresenceState> ParsePresenceState(std::string_view word) {
  v1::PresenceState state = v1::PRESENCE_STATE_UNSPECIFIED;
  const bool parsed = v1::PresenceState_Parse(AsConstant(word, "PRESENCE_STATE_"), &state);
  return Known(parsed, state);
}

std::optional<v1::LineKind> ParseLineKind(std::string_view word) {
  v1::LineKind kind = v1::LINE_KIND_UNSPECIFIED;
  const bool parsed = v1::LineKind_Parse(AsConstant(word, "LINE_KIND_"), &kind);
  return Known(parsed, kind);
}

std::optional<v1::LineType> ParseLineType(std::string_view word) {
  if (const auto known = unipresence::ParseLineType(word)) return publish::ToProto(*known);
  v1::LineType type = v1::LINE_TYPE_UNSPECIFIED;
  const bool parsed = v1::LineType_Parse(AsConstant(word, "LINE_TYPE_"), &type);
  return Known(parsed, type);
}

std::optional<v1::ForwardingCondition> ParseForwardingCondition(std::string_view word) {
  v1::ForwardingCondition condition = v1::FORWARDING_CONDITION_UNSPECIFIED;
  const bool parsed =
      v1::ForwardingCondition_Parse(AsConstant(word, "FORWARDING_CONDITION_"), &condition);
  return Known(parsed, condition);
}

std::optional<v1::Role> ParseRole(std::string_view word) {
  const std::string constant = AsConstant(word, "ROLE_");
  if (constant == "ROLE_ADMIN") return v1::ROLE_ADMINISTRATOR;
  v1::Role role = v1::ROLE_UNSPECIFIED;
  const bool parsed = v1::Role_Parse(constant, &role);
  return Known(parsed, role);
}

std::optional<std::chrono::milliseconds> ParseTime(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  double factor = 0;
  if (text.empty() || text == "s") factor = 1'000;
  if (text == "ms") factor = 1;
  if (text == "m" || text == "min") factor = 60'000;
  if (text == "h") factor = 3'600'000;
  const double milliseconds = number * factor;
  if (!(milliseconds >= 1 && milliseconds <= 86'400'000)) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds));
}

std::string FormatTime(const google::protobuf::Timestamp& time) {
  const absl::Time point = absl::FromUnixMicros(time.seconds() * 1'000'000 + time.nanos() / 1'000);
  return absl::FormatTime(ToAbsl("%Y-%m-%dT%H:%M:%E6SZ"), point, absl::UTCTimeZone());
}

double ToSeconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + static_cast<double>(duration.nanos()) / 1e9;
}

std::string FormatDuration(const google::protobuf::Duration& duration) {
  const std::int64_t seconds = duration.seconds();
  if (seconds < 10) return fmt::format("{:.3g} s", ToSeconds(duration));
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3'600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{} h {} min", seconds / 3'600, seconds / 60 % 60);
  return fmt::format("{} d {} h", seconds / 86'400, seconds / 3'600 % 24);
}

}  // namespace unipresence::cli
