#ifndef UNIPRESENCE_CLIENTS_CLI_COMPLETION_H_
#define UNIPRESENCE_CLIENTS_CLI_COMPLETION_H_

// Completion scripts for bash, zsh and fish, generated from the command line's own description, so
// that no flag can be forgotten. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace unipresence::cli {

// What may stand at one place: a word of a list, a file, or anything (nothing to propose).
struct ValueSpec {
  std::vector<std::string> choices;
  bool is_file = false;
};

struct FlagSpec {
  std::vector<std::string> names;  // "-o", "--output"
  std::string description;
  bool takes_value = false;
  ValueSpec value;
};

struct CommandSpec {
  std::string name;
  std::string description;
  std::vector<FlagSpec> flags;  // its own; those of the commands above hold too
  ValueSpec argument;
  std::vector<CommandSpec> commands;
};

// `shell` is "bash", "zsh" or "fish". INVALID_ARGUMENT: another shell, or two flags of one name
// that differ in their values (the scripts know a flag by its name alone).
absl::StatusOr<std::string> CompletionScript(std::string_view shell, const CommandSpec& root);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_COMPLETION_H_
