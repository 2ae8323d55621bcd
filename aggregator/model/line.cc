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

}  // namespace

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
