#ifndef UNIPRESENCE_CLIENTS_CLI_COMMANDS_DIRECTORY_H_
#define UNIPRESENCE_CLIENTS_CLI_COMMANDS_DIRECTORY_H_

// Names and numbers of users, which every user may read. What the server does not tell is left
// empty: a table without names is better than none.
//
// One thread uses it.

#include <string>
#include <unordered_map>

#include "clients/cli/command_context.h"
#include "clients/cli/format_presence.h"

namespace unipresence::cli {

class Directory {
 public:
  // `context` must outlive it, and be connected before it is asked.
  explicit Directory(CommandContext& context) : context_(context) {}
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // Reads all users at once, for tables of many.
  void ReadAll();
  // Reads the user, if that was not done before.
  const Person& Find(const std::string& user);
  // The user changed.
  void Forget(const std::string& user) { people_.erase(user); }

  const std::unordered_map<std::string, Person>& people() const { return people_; }

 private:
  CommandContext& context_;
  std::unordered_map<std::string, Person> people_;  // by user id
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_COMMANDS_DIRECTORY_H_
