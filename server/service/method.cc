#include "server/service/method.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace unipresence {
namespace {

struct Row {
  std::string_view full_name;
  Access access;
  bool implemented = true;
};

// In the order of Method.
constexpr std::array<Row, kMethodCount> kRows = {{
    {"unipresence.v1.PresenceService/GetPresence", Access::kSession},
    {"unipresence.v1.PresenceService/BatchGetPresences", Access::kSession},
    {"unipresence.v1.PresenceService/ListPresences", Access::kSession},
    {"unipresence.v1.PresenceService/WatchPresences", Access::kSession},
    {"unipresence.v1.PresenceService/ExplainPresence", Access::kOwnUser},
    {"unipresence.v1.SessionService/CreateSession", Access::kPublic},
    {"unipresence.v1.SessionService/GetSession", Access::kSession},
    {"unipresence.v1.SessionService/ListSessions", Access::kOwnUser},
    {"unipresence.v1.SessionService/KeepSessionAlive", Access::kSession},
    {"unipresence.v1.SessionService/HoldSession", Access::kSession},
    {"unipresence.v1.SessionService/DeleteSession", Access::kSession},
    {"unipresence.v1.DeviceSelectionService/GetDeviceSelection", Access::kOwnUser},
    {"unipresence.v1.DeviceSelectionService/SelectDevice", Access::kOwnUser},
    {"unipresence.v1.ProvisioningService/GetUser", Access::kSession},
    {"unipresence.v1.ProvisioningService/ListUsers", Access::kSession},
    {"unipresence.v1.ProvisioningService/CreateUser", Access::kAdministrator},
    {"unipresence.v1.ProvisioningService/UpdateUser", Access::kAdministrator},
    {"unipresence.v1.ProvisioningService/DeleteUser", Access::kAdministrator},
    {"unipresence.v1.ProvisioningService/ImportUsers", Access::kAdministrator, false},
    {"unipresence.v1.ProvisioningService/ExportUsers", Access::kAdministrator, false},
    {"unipresence.v1.ProvisioningService/RenderAsteriskConfiguration", Access::kAdministrator},
    {"unipresence.v1.ProvisioningService/ApplyAsteriskConfiguration", Access::kAdministrator},
    {"unipresence.v1.AdministrationService/GetServerStatus", Access::kSession},
    {"unipresence.v1.AdministrationService/GetPbx", Access::kSession},
    {"unipresence.v1.AdministrationService/ListPbxs", Access::kSession},
    {"unipresence.v1.AdministrationService/ReconcilePbx", Access::kAdministrator},
    {"unipresence.v1.ForwardingService/GetForwarding", Access::kOwnUser},
    {"unipresence.v1.ForwardingService/UpdateForwarding", Access::kOwnUser},
    {"unipresence.v1.ForwardingService/SetDoNotDisturb", Access::kOwnUser},
    {"unipresence.v1.VoicemailService/GetMailbox", Access::kOwnUser},
    {"unipresence.v1.CallControlService/ListCalls", Access::kOwnUser},
    {"unipresence.v1.CallControlService/WatchCalls", Access::kOwnUser},
    {"unipresence.v1.CallControlService/PlaceCall", Access::kOwnUser},
    {"unipresence.v1.CallControlService/HangUpCall", Access::kOwnUser},
    {"unipresence.v1.CallControlService/TransferCall", Access::kOwnUser},
    {"unipresence.v1.CallControlService/StartAttendedTransfer", Access::kOwnUser},
    {"unipresence.v1.CallControlService/CompleteAttendedTransfer", Access::kOwnUser},
    {"unipresence.v1.CallControlService/CancelAttendedTransfer", Access::kOwnUser},
    {"unipresence.v1.HistoryService/GetCallRecord", Access::kOwnUser, false},
    {"unipresence.v1.HistoryService/ListCallRecords", Access::kOwnUser, false},
}};

const Row& RowOf(Method method) { return kRows[static_cast<std::size_t>(method)]; }

}  // namespace

std::string_view FullName(Method method) { return RowOf(method).full_name; }

std::optional<Method> FindMethod(std::string_view full_name) {
  const auto it = std::find_if(kRows.begin(), kRows.end(),
                               [&](const Row& row) { return row.full_name == full_name; });
  if (it == kRows.end()) return std::nullopt;
  return static_cast<Method>(it - kRows.begin());
}

Access AccessOf(Method method) { return RowOf(method).access; }

bool IsImplemented(Method method) { return RowOf(method).implemented; }

}  // namespace unipresence
