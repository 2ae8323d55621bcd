#ifndef UNIPRESENCE_AGGREGATOR_MODEL_LINE_KIND_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_LINE_KIND_H_

// The kinds of lines, and which of them a user has. What a kind or a type differs in from the
// others is its row in TraitsOf(); whoever has to tell kinds apart asks for a trait instead of
// naming one. README.md of the repository says how a kind is added.
//
// Pure; thread-safe.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace unipresence {

// What a line is for its user. The order is that of a user's lines and of the API; where one line
// must do for all, it is the first.
enum class LineKind : std::uint8_t { kDeskphone, kWebrtc };

struct LineKindTraits {
  std::string_view word;  // as it is stored, logged and named in the API
  std::string_view key;   // the word in lower case: in files, in flags, at phones
  std::string_view name;  // in sentences, as in "one WebRTC line" and "WebRTC is selected"
  std::string_view noun;  // the line in sentences, behind "the"
  // The program that holds the line and controls its calls by SIP itself. Empty: a phone, whose
  // calls are placed, ended and transferred for it through the PBX.
  std::string_view client;
  // The key of its device in what a PBX is told: line/<key>, except for the two kinds that are
  // older than this rule.
  std::string_view routing_key;
  // Behind the user's id: the SIP account that the line gets if none is named.
  std::string_view account_suffix;
  // A call that the user makes with it takes precedence (fusion::Inputs::emitting).
  bool emitted_calls_lead;
};

constexpr LineKindTraits TraitsOf(LineKind kind) {
  switch (kind) {
    case LineKind::kDeskphone:
      return {.word = "DESKPHONE",
              .key = "deskphone",
              .name = "deskphone",
              .noun = "deskphone",
              .client = "",
              .routing_key = "deskphone",
              .account_suffix = "",
              .emitted_calls_lead = true};
    case LineKind::kWebrtc:
      return {.word = "WEBRTC",
              .key = "webrtc",
              .name = "WebRTC",
              .noun = "WebRTC line",
              .client = "browser",
              .routing_key = "webrtc",
              .account_suffix = "_w",
              .emitted_calls_lead = false};
  }
  return {};  // no kind
}

// What is selected until the user chooses, and what his first log-in selects if he has a choice.
inline constexpr LineKind kFirstSelection = LineKind::kWebrtc;

// How many values of an enum have a row in TraitsOf().
template <typename Enum>
constexpr int RowCount() {
  int count = 0;
  while (!TraitsOf(static_cast<Enum>(count)).word.empty()) ++count;
  return count;
}

// Those values, in their order.
template <typename Enum>
constexpr std::array<Enum, RowCount<Enum>()> ValuesWithRows() {
  std::array<Enum, RowCount<Enum>()> values{};
  for (int i = 0; i < RowCount<Enum>(); ++i) {
    values[static_cast<std::size_t>(i)] = static_cast<Enum>(i);
  }
  return values;
}

inline constexpr std::array kLineKinds = ValuesWithRows<LineKind>();
inline constexpr int kLineKindCount = static_cast<int>(kLineKinds.size());

// "a, b or c": a word of each one's traits, for messages.
template <const auto& kValues, auto kWord>
class Choices {
 public:
  static constexpr std::string_view text() { return {kText.data(), kText.size()}; }

 private:
  static constexpr std::string_view Before(std::size_t i) {
    return i == 0 ? "" : i + 1 == kValues.size() ? " or " : ", ";
  }
  static constexpr std::size_t Size() {
    std::size_t size = 0;
    for (std::size_t i = 0; i < kValues.size(); ++i) {
      size += Before(i).size() + (TraitsOf(kValues[i]).*kWord).size();
    }
    return size;
  }
  static constexpr std::array<char, Size()> kText = [] {
    std::array<char, Size()> text{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < kValues.size(); ++i) {
      for (const char c : Before(i)) text[at++] = c;
      for (const char c : TraitsOf(kValues[i]).*kWord) text[at++] = c;
    }
    return text;
  }();
};

// The keys of all kinds: "deskphone or webrtc".
inline constexpr std::string_view kLineKindChoices =
    Choices<kLineKinds, &LineKindTraits::key>::text();

std::string_view ToString(LineKind kind);                      // "DESKPHONE", "WEBRTC"
std::optional<LineKind> ParseLineKind(std::string_view text);  // any case

// One value for each kind.
template <typename Value>
class ByKind {
 public:
  constexpr Value& operator[](LineKind kind) { return values_[static_cast<std::size_t>(kind)]; }
  constexpr const Value& operator[](LineKind kind) const {
    return values_[static_cast<std::size_t>(kind)];
  }

  friend constexpr bool operator==(const ByKind&, const ByKind&) = default;

 private:
  std::array<Value, kLineKindCount> values_{};
};

// A set of kinds, in a byte.
class LineKinds {
 public:
  constexpr LineKinds() = default;
  constexpr LineKinds(std::initializer_list<LineKind> kinds) {
    for (LineKind kind : kinds) Add(kind);
  }

  constexpr void Add(LineKind kind) {
    bits_ = static_cast<std::uint8_t>(bits_ | (1U << static_cast<unsigned>(kind)));
  }
  constexpr bool Contains(LineKind kind) const {
    return (bits_ >> static_cast<unsigned>(kind) & 1U) != 0;
  }
  constexpr std::size_t size() const { return static_cast<std::size_t>(std::popcount(bits_)); }

  friend constexpr bool operator==(const LineKinds&, const LineKinds&) = default;

 private:
  std::uint8_t bits_ = 0;
};

// "one deskphone and one WebRTC line", each kind called by that member of its traits.
std::string OneLineOfEach(LineKinds kinds, std::string_view LineKindTraits::*called);

// Which lines a user has.
enum class LineType : std::uint8_t { kSip, kWebrtc, kUniqueAccount };

struct LineTypeTraits {
  std::string_view word;
  LineKinds kinds;  // one line of each, and no other
};

constexpr LineTypeTraits TraitsOf(LineType type) {
  switch (type) {
    case LineType::kSip:
      return {.word = "sip", .kinds = {LineKind::kDeskphone}};
    case LineType::kWebrtc:
      return {.word = "webrtc", .kinds = {LineKind::kWebrtc}};
    case LineType::kUniqueAccount:
      return {.word = "unique_account", .kinds = {LineKind::kDeskphone, LineKind::kWebrtc}};
  }
  return {};  // no type
}

inline constexpr std::array kLineTypes = ValuesWithRows<LineType>();

// The words of all types: "sip, webrtc or unique_account".
inline constexpr std::string_view kLineTypeChoices =
    Choices<kLineTypes, &LineTypeTraits::word>::text();

std::string_view ToString(LineType type);                      // "sip", "webrtc", "unique_account"
std::optional<LineType> ParseLineType(std::string_view text);  // also "ua"

// The type of a user with these lines; nullopt if there is none.
std::optional<LineType> LineTypeOf(LineKinds kinds);

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_LINE_KIND_H_
