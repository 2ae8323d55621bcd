#ifndef UNIPRESENCE_TESTS_SIMULATION_ACTION_READER_H_
#define UNIPRESENCE_TESTS_SIMULATION_ACTION_READER_H_

// Splits what an AMI client sends into actions, as Asterisk's manager does: lines end in LF or CR
// LF, an empty line ends the action, a line over 1,024 bytes spoils it.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace unipresence::simulation {

// One action. Names of headers are compared without case, the first of a name counts.
class Action {
 public:
  void Add(std::string_view line);

  std::string_view Get(std::string_view name) const;
  std::string_view name() const { return Get("Action"); }
  std::string_view id() const { return Get("ActionID"); }
  // All of them, in order.
  const std::vector<std::pair<std::string, std::string>>& headers() const { return headers_; }
  bool too_long() const { return too_long_; }
  void MarkTooLong() { too_long_ = true; }

 private:
  std::vector<std::pair<std::string, std::string>> headers_;
  bool too_long_ = false;
};

// True if both are the same but for the case of ASCII letters.
bool EqualIgnoringCase(std::string_view a, std::string_view b);

class ActionReader {
 public:
  // Calls back for each action that the bytes complete, in order.
  void Consume(std::string_view bytes, const std::function<void(const Action&)>& on_action);

 private:
  std::string line_;
  bool line_too_long_ = false;
  Action action_;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_ACTION_READER_H_
