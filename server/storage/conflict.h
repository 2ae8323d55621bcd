#ifndef UNIPRESENCE_SERVER_STORAGE_CONFLICT_H_
#define UNIPRESENCE_SERVER_STORAGE_CONFLICT_H_

// What an ALREADY_EXISTS of the store is about, for programs: it travels as a payload of the
// status.
//
//   if (std::optional<Conflict> conflict = ConflictOf(status)) { ... conflict->owner ... }

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace unipresence {

struct Conflict {
  enum class Field : std::uint8_t { kId, kUsername, kExten, kDevice, kMailbox };
  Field field = Field::kId;
  std::string value;  // the id, the username, the number, the device, the box
  std::string scope;  // the context of a number or box, the PBX of a device; else empty
  std::string owner;  // id of the user who has it

  friend bool operator==(const Conflict&, const Conflict&) = default;
};

// ALREADY_EXISTS, in words and with the payload.
absl::Status ConflictError(const Conflict& conflict);

// Nullopt if the status carries none.
std::optional<Conflict> ConflictOf(const absl::Status& status);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_CONFLICT_H_
