#ifndef UNIPRESENCE_AGGREGATOR_PBX_CONFIGURATION_CHECK_H_
#define UNIPRESENCE_AGGREGATOR_PBX_CONFIGURATION_CHECK_H_

// How Asterisk is told to load its configuration anew, and asked whether it did: Reload answers
// Success also when a file could not be parsed and the former one stays in force. Pure;
// thread-safe.

#include <array>
#include <string>
#include <string_view>

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

// True in the answer if there is such a hint.
ami::ActionBuilder ShowHintAction(const ConfiguredNames::Extension& hint);
bool ShowsHint(const ami::Message& answer);

// True in the answer if there is such a voicemail box.
ami::ActionBuilder ShowMailboxAction(const std::string& mailbox);
bool ShowsMailbox(const ami::Message& answer);

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_CONFIGURATION_CHECK_H_
