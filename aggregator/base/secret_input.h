#ifndef UNIPRESENCE_AGGREGATOR_BASE_SECRET_INPUT_H_
#define UNIPRESENCE_AGGREGATOR_BASE_SECRET_INPUT_H_

// Passwords come from a file, from stdin or from the keyboard, never from the command line, where
// every user of the machine could read them.
//
// Each is one line, without its line break; other blanks belong to it. It is UTF-8, because nothing
// else can be sent. Messages never repeat it.
//
// One thread, and one question at a time: while it is asked the signals of the terminal are ours.

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace unipresence {

inline constexpr std::size_t kMaxSecretLineBytes = 4096;

// The first line that `descriptor` gives, and no byte more; empty if that is. `name` is what
// messages call it: "stdin".
//
// INVALID_ARGUMENT: longer than kMaxSecretLineBytes, or not UTF-8. UNAVAILABLE and the like: it
// cannot be read. CANCELLED: a signal came.
absl::StatusOr<std::string> ReadSecret(int descriptor, std::string_view name);

// The same of a file. NOT_FOUND, PERMISSION_DENIED: it cannot be opened.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path);

// Asks at a terminal, without echo. `prompt` goes to `prompt_descriptor`. A signal that would end
// or stop the process ends the question instead, so that the echo comes back: CANCELLED.
absl::StatusOr<std::string> AskSecret(int terminal, int prompt_descriptor, std::string_view prompt);

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_BASE_SECRET_INPUT_H_
