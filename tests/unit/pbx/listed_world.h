#ifndef UNIPRESENCE_TESTS_UNIT_PBX_LISTED_WORLD_H_
#define UNIPRESENCE_TESTS_UNIT_PBX_LISTED_WORLD_H_

// What an Asterisk would answer to list actions, derived from the events it sent: a plain record of
// channels, device states and contacts, without any notion of who emits or holds.

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "aggregator/ami/message.h"
#include "tests/unit/pbx/pbx_driver.h"

namespace unipresence::pbx {

class ListedWorld {
 public:
  void OnEvent(const ami::Message& event);
  Lists MakeLists() const;
  // The state of a device as its token; empty if none was sent.
  std::string StateOf(const std::string& device) const;

 private:
  struct Channel {
    std::string name;
    std::string state;
    std::string linkedid;
    std::string application;
    std::string dialled;
    std::string bridge;
  };

  std::map<std::string, Channel> channels_;                              // by Uniqueid
  std::map<std::string, std::string> devices_;                           // tokens
  std::map<std::pair<std::string, std::string>, std::string> contacts_;  // by endpoint and URI
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_TESTS_UNIT_PBX_LISTED_WORLD_H_
