#ifndef UNIPRESENCE_TESTS_SIMULATION_RIGHTS_H_
#define UNIPRESENCE_TESTS_SIMULATION_RIGHTS_H_

// The classes of Asterisk's manager.conf: what a manager user may read and write, and to which
// classes an event belongs (main/manager.c of Asterisk, `perms`).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace unipresence::simulation {

// A set of classes, one bit each.
using Rights = std::uint32_t;

inline constexpr Rights kSystem = 1U << 0;
inline constexpr Rights kCall = 1U << 1;
inline constexpr Rights kLog = 1U << 2;
inline constexpr Rights kVerbose = 1U << 3;
inline constexpr Rights kCommand = 1U << 4;
inline constexpr Rights kAgent = 1U << 5;
inline constexpr Rights kUser = 1U << 6;
inline constexpr Rights kConfig = 1U << 7;
inline constexpr Rights kDtmf = 1U << 8;
inline constexpr Rights kReporting = 1U << 9;
inline constexpr Rights kCdr = 1U << 10;
inline constexpr Rights kDialplan = 1U << 11;
inline constexpr Rights kOriginate = 1U << 12;
inline constexpr Rights kSecurity = 1U << 13;
inline constexpr Rights kAllRights = (1U << 14) - 1;

// "system,call", "all" or "" as manager.conf writes it; nullopt if a word is no class.
std::optional<Rights> ParseRights(std::string_view words);

// "system,call,all" as an event's Privilege header lists them.
std::string PrivilegeText(Rights rights);

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_RIGHTS_H_
