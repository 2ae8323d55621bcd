#ifndef UNIPRESENCE_CLIENTS_CLI_FAILURE_H_
#define UNIPRESENCE_CLIENTS_CLI_FAILURE_H_

// How a command fails: the exit code for scripts, and what is written to stderr for people and,
// with `-o json`, for programs. Pure.

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace unipresence::cli {

// Part of the interface: a number, once given, keeps its meaning.
enum class ExitCode : int {
  kOk = 0,
  kFailure = 1,             // anything that no other code tells
  kUsage = 2,               // the command line is wrong
  kNotLoggedIn = 3,         // no session, session ended, or wrong credentials
  kPermissionDenied = 4,    // needs another role, or the user is disabled
  kNotFound = 5,            // no such user, PBX, session or file
  kInvalid = 6,             // a value is refused, in itself or in the present state
  kUnavailable = 7,         // the server, its database or a PBX cannot be reached now: try again
  kDeadlineExceeded = 8,    // no answer within --timeout: look before you repeat a change
  kConflict = 9,            // it exists already, or was changed meanwhile
  kResourceExhausted = 10,  // too many sessions, log-ins or streams: wait
  kNotReached = 11,         // `wait`: the state was not reached within its --timeout
};

ExitCode ExitCodeOf(const absl::Status& status);

// `wait` gave up: exit code kNotReached.
absl::Status NotReachedError(std::string_view message);

// What the message may need to name a remedy.
struct FailureContext {
  std::string_view command;   // "get presence"
  std::string_view server;    // the address in use; empty if none was needed yet
  std::string_view remedy{};  // a better one than the usual, if not empty
};

// "unipresence get presence: there is no user 'bob'\n  list users: unipresence users list". The
// second line is left out if there is nothing to advise.
std::string FormatFailure(const FailureContext& context, const absl::Status& status);

// {"error": {"command", "code", "reason", "message", "remedy", "metadata", "exit_code"}} in one
// line. `reason` is that of error_reason.proto without its prefix, null if there is none.
std::string FormatFailureJson(const FailureContext& context, const absl::Status& status);

// For `unipresence --help`: the exit codes, one a line.
std::string ExitCodeHelp();

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_FAILURE_H_
