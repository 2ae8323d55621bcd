#include "aggregator/model/line.h"

#include <algorithm>
#include <cctype>

namespace unipresence {
namespace {

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

// The technologies of phones, as their channel drivers register them.
constexpr std::string_view kTechnologies[] = {
    "PJSIP", "SIP",  "SCCP",  "IAX2",   "DAHDI",  "Skinny",  "MGCP",  "USTM",
    "mISDN", "H323", "Motif", "Mobile", "Dongle", "Quectel", "Local", "Console",
};

}  // namespace

std::string CanonicalDevice(std::string_view device) {
  const std::string_view given = device.substr(0, device.find('/'));
  for (const std::string_view technology : kTechnologies) {
    if (!EqualIgnoringCase(given, technology)) continue;
    return std::string(technology).append(device.substr(given.size()));
  }
  return std::string(device);
}

std::string_view ToString(LineKind kind) {
  switch (kind) {
    case LineKind::kDeskphone:
      return "DESKPHONE";
    case LineKind::kWebrtc:
      return "WEBRTC";
  }
  __builtin_unreachable();
}

std::optional<LineKind> ParseLineKind(std::string_view text) {
  for (LineKind kind : {LineKind::kDeskphone, LineKind::kWebrtc}) {
    if (EqualIgnoringCase(text, ToString(kind))) return kind;
  }
  return std::nullopt;
}

std::string_view ToString(LineType type) {
  switch (type) {
    case LineType::kSip:
      return "sip";
    case LineType::kWebrtc:
      return "webrtc";
    case LineType::kUniqueAccount:
      return "unique_account";
  }
  __builtin_unreachable();
}

std::optional<LineType> ParseLineType(std::string_view text) {
  for (LineType type : {LineType::kSip, LineType::kWebrtc, LineType::kUniqueAccount}) {
    if (EqualIgnoringCase(text, ToString(type))) return type;
  }
  if (EqualIgnoringCase(text, "ua")) return LineType::kUniqueAccount;
  return std::nullopt;
}

}  // namespace unipresence
