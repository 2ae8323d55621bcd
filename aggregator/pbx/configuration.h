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
//   own: a user of whom something cannot be written so is left out as a whole. So is one whose
//   number, device or box another user has too, for Asterisk refuses a file with two of a name: the
//   one whose id comes first stays.
// - A file that holds something ends with marks: names made of a hash of the file, so that no other
//   rendering has them. Reload answers Success whatever becomes of a file, and the names of users
//   that were changed are in the former rendering too. Each kind of object is loaded by itself (a
//   second endpoint `bob` keeps the former endpoints while AORs and auths are the new ones), so
//   each kind has a mark: an AOR and an auth that no endpoint uses, a variable of the last
//   endpoint, an extension and a box in contexts that nothing leads to.
//
// Pure; thread-safe.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/model/rendered_configuration.h"
#include "aggregator/model/user.h"

namespace unipresence::pbx {

RenderedConfiguration RenderConfiguration(std::string_view pbx, std::span<const User> users);

// What files of an earlier rendering, or what is left of them, brought into Asterisk.
FormerConfiguration ReadFormer(std::span<const FileState> files);

// The template of an endpoint for such a line, in deploy/asterisk/pjsip_unipresence.conf.
std::string_view TemplateOf(LineKind kind);

// Where the marks of the dialplan and of the boxes are.
inline constexpr std::string_view kMarkContext = "unipresence-rendering";
// The variable of an endpoint that is its mark.
inline constexpr std::string_view kMarkVariable = "UNIPRESENCE_RENDERING";
// Stands before a user's context in that of his hint.
inline constexpr std::string_view kUsersContext = "unipresence-users-";

// A line of one of these files without its secret, which becomes `***`.
std::string MaskSecret(std::string_view line);

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_CONFIGURATION_H_
