#ifndef UNIPRESENCE_SERVER_ACCOUNT_FAILURE_H_
#define UNIPRESENCE_SERVER_ACCOUNT_FAILURE_H_

// Why something that a person or an administrator asked for was not done: a status with an
// AccountProblem (problem.h) and the values that it speaks of.
//
//   return Failure(AccountProblem::kUserNotFound, fmt::format("there is no user '{}'", id),
//                  {{"user", id}});
//
// Errors of the rooms below come without one and are translated where their meaning is known.
// Thread-safe.

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "aggregator/base/problem.h"

namespace unipresence {

enum class AccountProblem : std::uint8_t {
  kBadCredentials,         // UNAUTHENTICATED
  kSessionEnded,           // UNAUTHENTICATED
  kFieldRequired,          // INVALID_ARGUMENT: field
  kFieldInvalid,           // INVALID_ARGUMENT: field, value, allowed
  kDestinationInvalid,     // INVALID_ARGUMENT: field, destination
  kUserNotFound,           // NOT_FOUND: user
  kPbxNotFound,            // NOT_FOUND: pbx
  kUserExists,             // ALREADY_EXISTS: user
  kUsernameTaken,          // ALREADY_EXISTS: username, user
  kExtensionTaken,         // ALREADY_EXISTS: exten, context, user
  kDeviceTaken,            // ALREADY_EXISTS: pbx, device, user
  kMailboxTaken,           // ALREADY_EXISTS: number, context, user
  kLineNotAssigned,        // FAILED_PRECONDITION: user
  kLastAdministrator,      // FAILED_PRECONDITION: user
  kConfigurationRefused,   // FAILED_PRECONDITION: pbx, message
  kConfigurationConflict,  // FAILED_PRECONDITION: pbx, names
  kTooManyLoginAttempts,   // RESOURCE_EXHAUSTED: retry_after_ms
  kTooManySessions,        // RESOURCE_EXHAUSTED
  kTooManyStreams,         // RESOURCE_EXHAUSTED: limit
  kOverloaded,             // RESOURCE_EXHAUSTED
  kPbxUnavailable,         // UNAVAILABLE: pbx
  kStoreUnavailable,       // UNAVAILABLE
  kStopping,               // UNAVAILABLE
};

inline constexpr int kAccountProblemCount = static_cast<int>(AccountProblem::kStopping) + 1;

constexpr std::string_view DomainOf(AccountProblem) { return "account"; }

// The code that a problem comes with, as its comment says.
absl::StatusCode CodeOf(AccountProblem problem);

// Values may be any text: they repeat what somebody gave.
absl::Status Failure(AccountProblem problem, std::string_view message, ProblemValues values = {});

// An error of the store about `user`: which problem it is. OK, and what has a problem already, stay
// as they are, and so does a defect.
absl::Status FromStore(const absl::Status& status, std::string_view user);

// Frequent ones.
absl::Status UserNotFound(std::string_view user);
absl::Status FieldRequired(std::string_view field, std::string_view remedy);
absl::Status FieldInvalid(std::string_view field, std::string_view value, std::string_view allowed);
absl::Status SessionEnded();
absl::Status ServerStopping();
absl::Status ServerOverloaded();

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_FAILURE_H_
