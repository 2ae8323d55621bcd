#ifndef UNIPRESENCE_TESTS_SIMULATION_AST_DB_H_
#define UNIPRESENCE_TESTS_SIMULATION_AST_DB_H_

// AstDB: a map from "/family/key" to a value that commits about once a second, so that a SIGKILL
// right after a `Success` loses what was written since, as in Asterisk.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/base/clock.h"

namespace unipresence::simulation {

class AstDb {
 public:
  explicit AstDb(const Clock& clock) : clock_(clock), committed_at_(clock.Now()) {}

  // Commits so often instead of each second.
  void set_commit_interval(Duration interval) { commit_interval_ = interval; }

  void Put(std::string_view family, std::string_view key, std::string_view value);
  std::optional<std::string> Get(std::string_view family, std::string_view key) const;

  // False if there was no such entry.
  bool Delete(std::string_view family, std::string_view key);

  // Everything of a family and below it, or one key of it; returns how many entries there were.
  std::size_t DeleteTree(std::string_view family, std::string_view key);
  std::vector<std::pair<std::string, std::string>> Tree(std::string_view family,
                                                        std::string_view key) const;

  // The process ended: after a clean stop everything is there, after a kill what was committed.
  void Stopped(bool clean);

  std::size_t size() const { return values_.size(); }

 private:
  struct Undo {
    std::string path;
    std::optional<std::string> value;  // before the write
  };

  void CommitIfDue();
  void Remember(const std::string& path);

  const Clock& clock_;
  Duration commit_interval_ = std::chrono::seconds(1);
  MonotonicTime committed_at_;
  std::map<std::string, std::string> values_;
  std::vector<Undo> uncommitted_;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_AST_DB_H_
