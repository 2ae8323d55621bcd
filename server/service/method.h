#ifndef UNIPRESENCE_SERVER_SERVICE_METHOD_H_
#define UNIPRESENCE_SERVER_SERVICE_METHOD_H_

// Every rpc of the API with who may call it: the one table of authorization.
//
// Who is told or may change what within a call that he may make (sessions of his own user,
// directory fields of colleagues) is said in the service itself.

#include <cstdint>
#include <optional>
#include <string_view>

namespace unipresence {

enum class Access : std::uint8_t {
  kPublic,         // without a session
  kSession,        // every session
  kOwnUser,        // every session for its own user, administrators for everyone
  kAdministrator,  // sessions of administrators
};

enum class Method : std::uint8_t {
  kGetPresence,
  kBatchGetPresences,
  kListPresences,
  kWatchPresences,
  kExplainPresence,
  kCreateSession,
  kGetSession,
  kListSessions,
  kKeepSessionAlive,
  kHoldSession,
  kDeleteSession,
  kGetDeviceSelection,
  kSelectDevice,
  kGetUser,
  kListUsers,
  kCreateUser,
  kUpdateUser,
  kDeleteUser,
  kImportUsers,
  kExportUsers,
  kRenderAsteriskConfiguration,
  kApplyAsteriskConfiguration,
  kGetServerStatus,
  kGetPbx,
  kListPbxs,
  kReconcilePbx,
  kGetForwarding,
  kUpdateForwarding,
  kSetDoNotDisturb,
  kGetMailbox,
  kListCalls,
  kWatchCalls,
  kPlaceCall,
  kHangUpCall,
  kTransferCall,
  kStartAttendedTransfer,
  kCompleteAttendedTransfer,
  kCancelAttendedTransfer,
  kGetCallRecord,
  kListCallRecords,
};

inline constexpr int kMethodCount = static_cast<int>(Method::kListCallRecords) + 1;

// "unipresence.v1.PresenceService/GetPresence": the path of the call without the first slash.
std::string_view FullName(Method method);
// nullopt if there is none of that full name.
std::optional<Method> FindMethod(std::string_view full_name);

Access AccessOf(Method method);

// True if this server answers the rpc. The others answer UNIMPLEMENTED with a sentence.
bool IsImplemented(Method method);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_METHOD_H_
