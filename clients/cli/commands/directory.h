#ifndef UNIPRESENCE_CLIENTS_CLI_COMMANDS_DIRECTORY_H_
#define UNIPRESENCE_CLIENTS_CLI_COMMANDS_DIRECTORY_H_

// Names and numbers of users, which every user may read. What the server does not tell is left
// empty: a table without names is better than none.
//
// A name or a number is part of no presence, so nobody tells that it changed: what runs on reads it
// again once it is old. What cannot be read then stays.
//
// One thread uses it.

#include <string>
#include <unordered_map>

#include "aggregator/base/clock.h"
#include "clients/cli/command_context.h"
#include "clients/cli/format_presence.h"

namespace unipresence::cli {

class Directory {
 public:
  static constexpr Duration kFresh = std::chrono::seconds(60);

  // `context` and `clock` must outlive it; `context` is connected before it is asked.
  explicit Directory(CommandContext& context, const Clock& clock = Clock::System())
      : context_(context), clock_(clock) {}
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // Reads all users at once, for tables of many.
  void ReadAll();
  // Reads the user, if that was not done before.
  const Person& Find(const std::string& user) { return Find(user, Duration::max()); }
  // The same, if it was not done within kFresh: for what runs on.
  const Person& FindFresh(const std::string& user) { return Find(user, kFresh); }
  // The user changed.
  void Forget(const std::string& user) { read_.erase(user); }
  // Anybody may have: reads all users if that was done before, else each that is asked for.
  void Renew();
  // The same, of a server that cannot be asked now.
  void ForgetAll() { read_.clear(); }

  const std::unordered_map<std::string, Person>& people() const { return people_; }

 private:
  const Person& Find(const std::string& user, Duration fresh);

  CommandContext& context_;
  const Clock& clock_;
  bool has_all_ = false;
  std::unordered_map<std::string, Person> people_;       // by user id
  std::unordered_map<std::string, MonotonicTime> read_;  // when they were; none: before a change
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_COMMANDS_DIRECTORY_H_
