#ifndef UNIPRESENCE_AGGREGATOR_MODEL_USER_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_USER_H_

// One person with one number and one or two lines. README.md in this folder has the words.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "aggregator/model/line.h"

namespace unipresence {

enum class Role : std::uint8_t { kUser, kAdministrator };

std::string_view ToString(Role role);  // "user", "administrator"
std::optional<Role> ParseRole(std::string_view text);

// A voicemail box. Both devices of a user share it.
struct Voicemail {
  std::string name;    // as Asterisk announces it; empty = the user's display name
  std::string number;  // 1 to 20 digits
  std::string context = "default";
  std::string password;  // 0 to 16 of 0-9 #; what the owner types on the phone
  std::string email;     // where messages are mailed; empty = nowhere

  friend bool operator==(const Voicemail&, const Voicemail&) = default;
};

inline constexpr std::uint16_t kDefaultRingSeconds = 30;

struct User {
  std::string id;  // [A-Za-z0-9._@-], 1 to 64 characters
  std::string display_name;
  std::string exten;
  std::string context;   // numbers are unique within a context only
  LineType line_type{};  // that of the lines' kinds
  std::string username;
  Role role = Role::kUser;
  std::vector<Line> lines;  // at most one of a kind
  // How long the device in use rings before a call counts as not answered: 5 to 300, a
  // multiple of 5.
  std::uint16_t ring_seconds = kDefaultRingSeconds;
  std::optional<Voicemail> voicemail;

  friend bool operator==(const User&, const User&) = default;
};

// Checks a user by itself: id and username charset and length, number and context, and that the
// lines are those of the line type, each with a PBX and a device. INVALID_ARGUMENT names the field,
// the value and the remedy.
absl::Status ValidateUser(const User& user);

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_USER_H_
