#ifndef UNIPRESENCE_TESTS_TESTING_SCRIPTED_ASTERISK_H_
#define UNIPRESENCE_TESTS_TESTING_SCRIPTED_ASTERISK_H_

// The least Asterisk that a link is content with, without a socket: an action in, the bytes of its
// answer out. It lets everybody in, answers the lists with the rows that the test gives, holds an
// AstDB, custom device states and voicemail boxes, and says yes to all else. It sends no event by
// itself; behaviour of an Asterisk is the business of tests/simulation.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace unipresence::ami {
class Message;
}

namespace unipresence::testing {

class ScriptedAsterisk {
 public:
  static constexpr std::string_view kBanner = "Asterisk Call Manager/11.0.0\r\n";
  static constexpr std::string_view kFullyBooted =
      "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n";

  // The rows of a list, each as the lines of its headers ("Name: value\r\n") without an ActionID.
  using Rows = std::vector<std::string>;

  // The bytes that answer an action (its text, with or without the empty line). Says FullyBooted
  // behind the answer to Login, unless `booted` is false.
  std::string Answer(std::string_view action);

  std::map<std::string, Rows, std::less<>> lists;          // by action; without an entry empty
  std::map<std::string, std::string, std::less<>> denied;  // actions, and why they are refused
  std::map<std::string, std::string> database;             // by "family/key"
  std::map<std::string, std::pair<int, int>> mailboxes;    // new and old messages
  bool booted = true;

 private:
  std::string Obey(const ami::Message& action, std::string_view id);
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_SCRIPTED_ASTERISK_H_
