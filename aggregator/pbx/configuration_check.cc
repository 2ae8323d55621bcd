#include "aggregator/pbx/configuration_check.h"

#include <fmt/format.h>

namespace unipresence::pbx {

ami::ActionBuilder ReloadAction(std::string_view module) {
  ami::ActionBuilder action("Reload");
  action.Header("Module", module);
  return action;
}

ami::ActionBuilder ShowEndpointsAction() { return ami::ActionBuilder("PJSIPShowEndpoints"); }

std::string_view EndpointOf(const ami::Message& row) {
  return row.Event() == "EndpointList" ? row.Get("ObjectName") : std::string_view();
}

ami::ActionBuilder ShowHintAction(const ConfiguredNames::Extension& hint) {
  ami::ActionBuilder action("ExtensionState");
  action.Header("Context", hint.context).Header("Exten", hint.exten);
  return action;
}

bool ShowsHint(const ami::Message& answer) { return !answer.Get("Hint").empty(); }

ami::ActionBuilder ShowMailboxAction(const std::string& mailbox) {
  ami::ActionBuilder action("Getvar");
  action.Header("Variable", fmt::format("VM_INFO({},exists)", mailbox));
  return action;
}

bool ShowsMailbox(const ami::Message& answer) { return answer.Get("Value") == "1"; }

}  // namespace unipresence::pbx
