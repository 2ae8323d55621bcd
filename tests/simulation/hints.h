#ifndef UNIPRESENCE_TESTS_SIMULATION_HINTS_H_
#define UNIPRESENCE_TESTS_SIMULATION_HINTS_H_

// Custom device states, and the hints of all users that stand on them as the shipped dialplan has
// it: number N of context C watches Custom:unipresence-C-N.
//
// As in Asterisk the states live in AstDB, family CustomDevstate, and survive a restart.

#include <functional>
#include <string>
#include <string_view>

#include "aggregator/model/device_state.h"
#include "tests/simulation/ast_db.h"
#include "tests/simulation/directory.h"
#include "tests/simulation/event_stream.h"

namespace unipresence::simulation {

// One hint as ExtensionStatus shows it.
struct Hint {
  std::string exten;
  std::string context;
  std::string devices;
  DeviceState state = DeviceState::kUnknown;
};

// Appends the headers of ExtensionStatus: Exten, Context, Hint, Status, StatusText.
void AppendHint(std::string& text, const Hint& hint);

// Not thread-safe.
class Hints {
 public:
  Hints(const Directory& directory, EventStream& events, AstDb& database)
      : directory_(directory), events_(events), database_(database) {}

  // Setvar DEVICE_STATE(Custom:name) to a token. False if Asterisk refuses: UNKNOWN and no token at
  // all. A changed state gives a DeviceStateChange and, if a hint stands on it, an ExtensionStatus.
  bool SetCustom(std::string_view name, std::string_view token);

  // UNKNOWN if it was never set.
  DeviceState Custom(std::string_view name) const;

  // The names and states of all custom devices that were set.
  void ForEachCustom(const std::function<void(std::string_view, DeviceState)>& visit) const;

  Hint HintOf(UserIndex user) const;

 private:
  const Directory& directory_;
  EventStream& events_;
  AstDb& database_;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_HINTS_H_
