#include "aggregator/pbx/spelling.h"

#include <array>
#include <utility>

namespace unipresence::pbx {
namespace {

constexpr std::size_t kLongestWord = 16;

// The letters of `text`, in capitals; empty if there are more than in any word known here.
std::string_view Letters(std::string_view text, std::array<char, kLongestWord>& buffer) {
  std::size_t size = 0;
  for (const char c : text) {
    const bool small = c >= 'a' && c <= 'z';
    if (!small && (c < 'A' || c > 'Z')) continue;
    if (size == buffer.size()) return {};
    buffer[size++] = small ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return {buffer.data(), size};
}

template <typename T, std::size_t kSize>
std::optional<T> FindWord(const std::pair<std::string_view, T> (&words)[kSize],
                          std::string_view text) {
  std::array<char, kLongestWord> buffer;
  const std::string_view letters = Letters(text, buffer);
  for (const auto& [word, value] : words) {
    if (letters == word) return value;
  }
  return std::nullopt;
}

// As ast_devstate2str and ast_devstate_str write them (main/devicestate.c).
constexpr std::pair<std::string_view, DeviceState> kDeviceStates[] = {
    {"NOTINUSE", DeviceState::kNotInUse},   {"INUSE", DeviceState::kInUse},
    {"RINGING", DeviceState::kRinging},     {"UNAVAILABLE", DeviceState::kUnavailable},
    {"RINGINUSE", DeviceState::kRingInUse}, {"ONHOLD", DeviceState::kOnHold},
    {"BUSY", DeviceState::kBusy},           {"INVALID", DeviceState::kInvalid},
    {"UNKNOWN", DeviceState::kUnknown},
};

// Long and short labels (res/res_pjsip/location.c).
constexpr std::pair<std::string_view, ContactStatus> kContactStatuses[] = {
    {"REACHABLE", ContactStatus::kReachable},     {"NONQUALIFIED", ContactStatus::kNonQualified},
    {"UNREACHABLE", ContactStatus::kUnreachable}, {"REMOVED", ContactStatus::kRemoved},
    {"UNKNOWN", ContactStatus::kUnknown},         {"AVAIL", ContactStatus::kReachable},
    {"UNAVAIL", ContactStatus::kUnreachable},     {"NONQUAL", ContactStatus::kNonQualified},
    {"CREATED", ContactStatus::kNonQualified},
};

constexpr std::string_view kNobodys[] = {"Local/", "AsyncGoto/", "Surrogate/"};

}  // namespace

std::optional<DeviceState> ParseDeviceStateText(std::string_view text) {
  return FindWord(kDeviceStates, text);
}

std::optional<ContactStatus> ParseContactStatus(std::string_view text) {
  return FindWord(kContactStatuses, text);
}

bool Callable(ContactStatus status) {
  switch (status) {
    case ContactStatus::kNonQualified:
    case ContactStatus::kReachable:
    case ContactStatus::kUnknown:
      return true;
    case ContactStatus::kUnreachable:
    case ContactStatus::kRemoved:
      return false;
  }
  __builtin_unreachable();
}

std::string_view DeviceOfChannel(std::string_view channel) {
  for (const std::string_view technology : kNobodys) {
    if (channel.starts_with(technology)) return {};
  }
  if (channel.ends_with('>')) return {};
  const std::size_t slash = channel.find('/');
  const std::size_t dash = channel.rfind('-');
  if (slash == std::string_view::npos || slash == 0) return {};
  if (dash == std::string_view::npos || dash <= slash + 1) return {};
  return channel.substr(0, dash);
}

bool DialsItself(ChannelState state) {
  switch (state) {
    case ChannelState::kOffHook:
    case ChannelState::kRing:
      return true;
    case ChannelState::kDown:
    case ChannelState::kReserved:
    case ChannelState::kDialing:
    case ChannelState::kRinging:
    case ChannelState::kUp:
    case ChannelState::kBusy:
    case ChannelState::kDialingOffHook:
    case ChannelState::kPreRing:
      return false;
  }
  __builtin_unreachable();
}

std::optional<ChannelState> ParseChannelState(std::string_view text) {
  if (text.size() != 1 || text[0] < '0' || text[0] > '9') return std::nullopt;
  return static_cast<ChannelState>(text[0] - '0');
}

bool SaysNone(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text.starts_with("No ") && (text.ends_with("found") || text.ends_with("available"));
}

}  // namespace unipresence::pbx
