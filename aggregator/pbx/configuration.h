#ifndef UNIPRESENCE_AGGREGATOR_PBX_CONFIGURATION_H_
#define UNIPRESENCE_AGGREGATOR_PBX_CONFIGURATION_H_

// The configuration that one Asterisk needs for its users, in Asterisk's spelling:
//
//   pjsip_unipresence_users.conf       an AOR, an auth and an endpoint for each line, from the
//                                      templates of deploy/asterisk/pjsip_unipresence.conf
//   extensions_unipresence_users.conf  [unipresence-users-CONTEXT] with the hint and the entry of
//                                      each user, for deploy/asterisk/extensions_unipresence.conf
//   voicemail_unipresence_users.conf   the boxes, by voicemail context
//
// Rules:
// - A user is rendered for a PBX on which he has a line. His box is where his first line is, the
//   deskphone if he has one.
// - A line without SIP account (sip_username, sip_secret) is not ours to write: its endpoint is
//   configured elsewhere.
// - The same users give the same bytes, in whatever order they come.
// - Nothing that a user's fields hold can begin a line, a section, a comment or an include of its
//   own: what cannot be written so is refused, and then nothing is rendered.
//
// Pure; thread-safe.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/model/rendered_configuration.h"
#include "aggregator/model/user.h"

namespace unipresence::pbx {

// INVALID_ARGUMENT names the user, the field, the value (never a secret) and the remedy.
absl::StatusOr<RenderedConfiguration> RenderConfiguration(std::string_view pbx,
                                                          std::span<const User> users);

// A line of one of these files without its secret, which becomes `***`.
std::string MaskSecret(std::string_view line);

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_CONFIGURATION_H_
