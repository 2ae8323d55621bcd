#ifndef UNIPRESENCE_AGGREGATOR_PBX_CONFIGURATION_CHECK_H_
#define UNIPRESENCE_AGGREGATOR_PBX_CONFIGURATION_CHECK_H_

// How Asterisk is told to load its configuration anew, asked whether it did, and what else is in
// it: Reload answers Success also when a file could not be parsed and the former one stays in
// force. Pure; thread-safe.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/ami/action.h"
#include "aggregator/ami/message.h"
#include "aggregator/model/rendered_configuration.h"

namespace unipresence::pbx {

// The modules that read the files of configuration.h. Voicemail may be missing on a PBX without
// boxes.
inline constexpr std::string_view kVoicemailModule = "app_voicemail.so";
inline constexpr std::array<std::string_view, 3> kConfiguredModules = {
    "res_pjsip.so", "pbx_config.so", kVoicemailModule};

ami::ActionBuilder ReloadAction(std::string_view module);

// PJSIPShowEndpoints; each row names an endpoint. Empty for other rows.
ami::ActionBuilder ShowEndpointsAction();
std::string_view EndpointOf(const ami::Message& row);

// What shows the marks of PJSIP: list actions, whose rows show the marks of AOR, auth and endpoint.
std::vector<ami::ActionBuilder> ShowMarksActions(const ConfigurationMarks& marks);
struct ShownMarks {
  bool aor = false;
  bool auth = false;
  bool endpoint = false;
};
void ReadMarkOf(const ami::Message& row, const ConfigurationMarks& marks, ShownMarks& shown);

// A variable that is 1 if the mark is there.
std::string DialplanMarkVariable(const ConfigurationMarks& marks);
std::string VoicemailMarkVariable(const ConfigurationMarks& marks);
ami::ActionBuilder GetVariableAction(const std::string& variable);
bool IsOne(const ami::Message& answer);

// True in the answer if there is such a hint, and it is the rendered one.
ami::ActionBuilder ShowHintAction(const ConfiguredNames::Extension& hint);
bool ShowsHint(const ConfiguredNames::Extension& hint, const ami::Message& answer);
// ExtensionStateList; each row names a hint. Nothing for other rows.
ami::ActionBuilder ListHintsAction();
std::optional<ConfiguredNames::Extension> HintOf(const ami::Message& row);
// The hint in the user's own context that comes before the rendered one, which that includes.
ConfiguredNames::Extension HintBefore(const ConfiguredNames::Extension& hint);

// GetConfig: the objects of that name, in any case, in pjsip.conf and all that it includes. The
// files are read anew; templates are passed over.
ami::ActionBuilder ReadObjectsAction(const std::string& name);
struct ObjectInFile {
  std::string type;  // "endpoint", "aor" or "auth"
  std::string name;
};
std::vector<ObjectInFile> ObjectsIn(const ami::Message& answer);
// GetConfig of nothing in that file: is it as a whole fit to be loaded?
ami::ActionBuilder CheckFileAction(std::string_view file);
// What it says of a file that is not there.
inline constexpr std::string_view kNoSuchFile = "Config file not found";
// And of one that is not fit.
inline constexpr std::string_view kUnfitFile = "Config file has invalid format";

// True in the answer if there is such a voicemail box.
ami::ActionBuilder ShowMailboxAction(const std::string& mailbox);

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_CONFIGURATION_CHECK_H_
