#ifndef UNIPRESENCE_AGGREGATOR_PBX_MANAGER_RIGHTS_H_
#define UNIPRESENCE_AGGREGATOR_PBX_MANAGER_RIGHTS_H_

// What the manager account must be allowed for each part of the work (manager.conf; deploy/asterisk
// has the whole account), and how Asterisk says that it is not.

#include <string_view>

namespace unipresence::pbx {

// The answer to an action that the account may not use.
inline constexpr std::string_view kPermissionDenied = "Permission denied";

// The lists of a resync, and the events between them.
inline constexpr std::string_view kListRights = "read = system,call,user and write = system,call";
// The counts of voicemail boxes.
inline constexpr std::string_view kMailboxRights = "write = call";
// What write_back.h tells.
inline constexpr std::string_view kWriteBackRights = "write = system,call";
// Placing, ending and transferring calls.
inline constexpr std::string_view kCallRights = "write = system,call,originate";

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_MANAGER_RIGHTS_H_
