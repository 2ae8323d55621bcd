#ifndef UNIPRESENCE_TESTS_UNIT_PBX_NAIVE_AST_DB_H_
#define UNIPRESENCE_TESTS_UNIT_PBX_NAIVE_AST_DB_H_

// An Asterisk that only has an AstDB and custom states, as tests of WriteBack need it: it takes the
// actions, keeps them until it is told to obey, and answers in order.

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "aggregator/pbx/write_back.h"
#include "tests/unit/pbx/pbx_driver.h"

namespace unipresence::pbx {

class NaiveAstDb {
 public:
  explicit NaiveAstDb(WriteBack& write_back) : write_back_(write_back) {}

  // Takes every action that is named now; returns how many.
  int Take() {
    int taken = 0;
    for (; const auto action = write_back_.NextAction(); ++taken) {
      const absl::StatusOr<std::string> bytes = action->action.Encode("id");
      if (!bytes.ok()) {
        write_back_.NotSent(bytes.status());
        continue;
      }
      waiting_.push_back({*bytes, ++token_, action->slot});
      write_back_.Sent(token_);
      sent.push_back(std::string(action->action.name()) + " " + Get(*bytes, "Key") +
                     Get(*bytes, "Variable") + Value(*bytes));
    }
    return taken;
  }

  // Obeys the oldest action, and answers it.
  void Answer() {
    const Waiting action = Pop();
    const Outcome outcome = Obey(action.bytes);
    if (outcome.value) {
      const std::string row = Text({{"Event", "DBGetResponse"}, {"Val", *outcome.value}});
      EXPECT_TRUE(write_back_.OnRow(action.token, ami::Message(row)));
    }
    ami::ActionReply reply;
    reply.success = outcome.error.empty();
    reply.text = outcome.error;
    write_back_.OnReply(action.slot, reply);
  }

  // The oldest action is lost, or its answer.
  void Lose() { TimeOut(Pop()); }
  void ObeyWithoutAnswer() {
    const Waiting action = Pop();
    Obey(action.bytes);
    TimeOut(action);
  }

  // The link ends; what Asterisk has not read is lost.
  void Cut() {
    while (!waiting_.empty()) write_back_.OnReply(Pop().slot, absl::UnavailableError("cut"));
    write_back_.LinkLost();
  }

  // Takes and answers until nothing is left; returns the number of actions.
  int Run() {
    int actions = 0;
    for (int taken = Take(); taken > 0 || !waiting_.empty(); taken = Take()) {
      actions += taken;
      while (!waiting_.empty()) Answer();
    }
    return actions;
  }

  std::size_t waiting() const { return waiting_.size(); }

  std::map<std::string, std::string> values;  // by "family/key"
  std::map<std::string, bool> denied;         // actions that are not permitted
  std::vector<std::string> sent;              // "DBPut interface=PJSIP/alice"
  int writes = 0;

 private:
  struct Waiting {
    std::string bytes;
    ami::ActionToken token;
    std::size_t slot;
  };

  static std::string Get(const std::string& bytes, std::string_view header) {
    return std::string(ami::Message(bytes).Get(header));
  }
  static std::string Value(const std::string& bytes) {
    const ami::Message message(bytes);
    if (message.Has("Val")) return "=" + Get(bytes, "Val");
    return message.Has("Value") ? "=" + Get(bytes, "Value") : "";
  }
  static std::string Path(const std::string& bytes) {
    return Get(bytes, "Family") + "/" + Get(bytes, "Key");
  }
  // Of "DEVICE_STATE(Custom:name)".
  static std::string StateName(const std::string& bytes) {
    const std::string variable = Get(bytes, "Variable");
    const std::size_t begin = variable.find(':') + 1;
    return variable.substr(begin, variable.size() - 1 - begin);
  }

  Waiting Pop() {
    Waiting action = std::move(waiting_.front());
    waiting_.pop_front();
    return action;
  }
  struct Outcome {
    std::string error{};                 // empty: success
    std::optional<std::string> value{};  // of a DBGet
  };

  Outcome Obey(const std::string& bytes) {
    const ami::Message message(bytes);
    const std::string name(message.Get("Action"));
    const std::string path = Path(bytes);
    if (denied.contains(name)) return {.error = "Permission denied"};
    if (name == "DBGet") {
      const auto at = values.find(path);
      if (at == values.end()) return {.error = "Database entry not found"};
      return {.value = at->second};
    }
    ++writes;
    if (name == "DBPut") {
      values[path] = std::string(message.Get("Val"));
    } else if (name == "DBDel") {
      if (values.erase(path) == 0) return {.error = "Database entry could not be deleted"};
    } else {
      EXPECT_EQ(name, "Setvar");
      values["CustomDevstate/" + StateName(bytes)] = std::string(message.Get("Value"));
    }
    return {};
  }
  void TimeOut(const Waiting& action) {
    write_back_.OnReply(action.slot, absl::DeadlineExceededError("no answer"));
  }

  WriteBack& write_back_;
  std::deque<Waiting> waiting_;
  ami::ActionToken token_ = 100;
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_TESTS_UNIT_PBX_NAIVE_AST_DB_H_
