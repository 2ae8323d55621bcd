#include "aggregator/pbx/configuration_check.h"

#include <fmt/format.h>

#include <map>

#include "aggregator/pbx/configuration.h"

namespace unipresence::pbx {
namespace {

// A name that no section has.
constexpr std::string_view kNoSection = "unipresence-no-section";

}  // namespace

ami::ActionBuilder ReloadAction(std::string_view module) {
  ami::ActionBuilder action("Reload");
  action.Header("Module", module);
  return action;
}

ami::ActionBuilder ShowEndpointsAction() { return ami::ActionBuilder("PJSIPShowEndpoints"); }

std::string_view EndpointOf(const ami::Message& row) {
  return row.Event() == "EndpointList" ? row.Get("ObjectName") : std::string_view();
}

std::vector<ami::ActionBuilder> ShowMarksActions(const ConfigurationMarks& marks) {
  std::vector<ami::ActionBuilder> actions;
  if (marks.pjsip.empty()) return actions;
  actions.emplace_back("PJSIPShowAors");
  actions.emplace_back("PJSIPShowAuths");
  actions.emplace_back("PJSIPShowEndpoint").Header("Endpoint", marks.endpoint);
  return actions;
}

void ReadMarkOf(const ami::Message& row, const ConfigurationMarks& marks, ShownMarks& shown) {
  const std::string_view event = row.Event();
  if (event == "AorList") {
    shown.aor |= row.Get("ObjectName") == marks.pjsip;
  } else if (event == "AuthList") {
    shown.auth |= row.Get("ObjectName") == marks.pjsip;
  } else if (event == "EndpointDetail") {
    shown.endpoint |= row.Get("SetVar").find(fmt::format("{}={}", kMarkVariable, marks.pjsip)) !=
                      std::string_view::npos;
  }
}

std::string DialplanMarkVariable(const ConfigurationMarks& marks) {
  return fmt::format("DIALPLAN_EXISTS({},{},1)", kMarkContext, marks.dialplan);
}

std::string VoicemailMarkVariable(const ConfigurationMarks& marks) {
  return fmt::format("VM_INFO({}@{},exists)", marks.voicemail, kMarkContext);
}

ami::ActionBuilder GetVariableAction(const std::string& variable) {
  ami::ActionBuilder action("Getvar");
  action.Header("Variable", variable);
  return action;
}

bool IsOne(const ami::Message& answer) { return answer.Get("Value") == "1"; }

ami::ActionBuilder ShowHintAction(const ConfiguredNames::Extension& hint) {
  ami::ActionBuilder action("ExtensionState");
  action.Header("Context", hint.context).Header("Exten", hint.exten);
  return action;
}

bool ShowsHint(const ConfiguredNames::Extension& hint, const ami::Message& answer) {
  return answer.Get("Hint") ==
         fmt::format("Custom:unipresence-{}-{}", HintBefore(hint).context, hint.exten);
}

ami::ActionBuilder ListHintsAction() { return ami::ActionBuilder("ExtensionStateList"); }

std::optional<ConfiguredNames::Extension> HintOf(const ami::Message& row) {
  if (row.Event() != "ExtensionStatus") return std::nullopt;
  return ConfiguredNames::Extension{std::string(row.Get("Context")), std::string(row.Get("Exten"))};
}

ConfiguredNames::Extension HintBefore(const ConfiguredNames::Extension& hint) {
  return {hint.context.substr(kUsersContext.size()), hint.exten};
}

ami::ActionBuilder ReadObjectsAction(const std::string& name) {
  ami::ActionBuilder action("GetConfig");
  action.Header("Filename", "pjsip.conf")
      .Header("Category", name)
      .Header("Filter", "type=^(endpoint|aor|auth)$");
  return action;
}

std::vector<ObjectInFile> ObjectsIn(const ami::Message& answer) {
  constexpr std::string_view kCategory = "Category-";
  constexpr std::string_view kLine = "Line-";
  constexpr std::string_view kType = "type=";
  constexpr std::size_t kDigits = 6;
  // By number of the section. A section that is written in parts says its type more than once.
  std::map<std::string_view, ObjectInFile> objects;
  answer.ForEach([&](const ami::Header& header) {
    if (header.name.starts_with(kCategory)) {
      objects[header.name.substr(kCategory.size(), kDigits)].name = header.value;
    } else if (header.name.starts_with(kLine) && header.value.starts_with(kType)) {
      objects[header.name.substr(kLine.size(), kDigits)].type = header.value.substr(kType.size());
    }
  });
  std::vector<ObjectInFile> found;
  for (auto& [number, object] : objects) found.push_back(std::move(object));
  return found;
}

ami::ActionBuilder CheckFileAction(std::string_view file) {
  ami::ActionBuilder action("GetConfig");
  action.Header("Filename", file).Header("Category", kNoSection);
  return action;
}

ami::ActionBuilder ShowMailboxAction(const std::string& mailbox) {
  return GetVariableAction(fmt::format("VM_INFO({},exists)", mailbox));
}

}  // namespace unipresence::pbx
