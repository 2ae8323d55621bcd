#include "server/service/method.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "server/service/call.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

// Who may call what, written down a second time from the comments of the .proto files.
const std::map<std::string, Access>& Expected() {
  static const std::map<std::string, Access> kExpected = {
      {"PresenceService/GetPresence", Access::kSession},
      {"PresenceService/BatchGetPresences", Access::kSession},
      {"PresenceService/ListPresences", Access::kSession},
      {"PresenceService/WatchPresences", Access::kSession},
      {"PresenceService/ExplainPresence", Access::kOwnUser},
      {"SessionService/CreateSession", Access::kPublic},
      {"SessionService/GetSession", Access::kSession},
      {"SessionService/ListSessions", Access::kOwnUser},
      {"SessionService/KeepSessionAlive", Access::kSession},
      {"SessionService/HoldSession", Access::kSession},
      {"SessionService/DeleteSession", Access::kSession},
      {"DeviceSelectionService/GetDeviceSelection", Access::kOwnUser},
      {"DeviceSelectionService/SelectDevice", Access::kOwnUser},
      {"ProvisioningService/GetUser", Access::kSession},
      {"ProvisioningService/ListUsers", Access::kSession},
      {"ProvisioningService/CreateUser", Access::kAdministrator},
      {"ProvisioningService/UpdateUser", Access::kAdministrator},
      {"ProvisioningService/DeleteUser", Access::kAdministrator},
      {"ProvisioningService/ImportUsers", Access::kAdministrator},
      {"ProvisioningService/ExportUsers", Access::kAdministrator},
      {"ProvisioningService/RenderAsteriskConfiguration", Access::kAdministrator},
      {"ProvisioningService/ApplyAsteriskConfiguration", Access::kAdministrator},
      {"AdministrationService/GetServerStatus", Access::kSession},
      {"AdministrationService/GetPbx", Access::kSession},
      {"AdministrationService/ListPbxs", Access::kSession},
      {"AdministrationService/ReconcilePbx", Access::kAdministrator},
      {"ForwardingService/GetForwarding", Access::kOwnUser},
      {"ForwardingService/UpdateForwarding", Access::kOwnUser},
      {"ForwardingService/SetDoNotDisturb", Access::kOwnUser},
      {"VoicemailService/GetMailbox", Access::kOwnUser},
      {"CallControlService/ListCalls", Access::kOwnUser},
      {"CallControlService/WatchCalls", Access::kOwnUser},
      {"CallControlService/PlaceCall", Access::kOwnUser},
      {"CallControlService/HangUpCall", Access::kOwnUser},
      {"CallControlService/TransferCall", Access::kOwnUser},
      {"CallControlService/StartAttendedTransfer", Access::kOwnUser},
      {"CallControlService/CompleteAttendedTransfer", Access::kOwnUser},
      {"CallControlService/CancelAttendedTransfer", Access::kOwnUser},
      {"HistoryService/GetCallRecord", Access::kOwnUser},
      {"HistoryService/ListCallRecords", Access::kOwnUser},
  };
  return kExpected;
}

TEST(MethodTest, EveryMethodIsOpenToWhomItShouldBe) {
  ASSERT_EQ(Expected().size(), static_cast<std::size_t>(kMethodCount));
  const Caller alice{.key = {}, .session = {}, .user = "alice", .role = Role::kUser};
  const Caller root{.key = {}, .session = {}, .user = "root", .role = Role::kAdministrator};
  for (const auto& [name, access] : Expected()) {
    const auto method = FindMethod("unipresence.v1." + name);
    ASSERT_TRUE(method) << name;
    EXPECT_EQ(AccessOf(*method), access) << name;
    for (const std::string_view user : {"", "root", "bob"}) {
      EXPECT_TRUE(Authorize(*method, root, user).ok()) << name << " " << user;
    }
    const bool administrator = access == Access::kAdministrator;
    EXPECT_EQ(Authorize(*method, alice, "").ok(), !administrator) << name;
    EXPECT_EQ(Authorize(*method, alice, "alice").ok(), !administrator) << name;
    const absl::Status other = Authorize(*method, alice, "bob");
    EXPECT_EQ(other.ok(), access == Access::kSession || access == Access::kPublic) << name;
    if (!other.ok()) {
      EXPECT_EQ(ReasonOf(other),
                administrator ? v1::ERROR_REASON_ROLE_REQUIRED : v1::ERROR_REASON_NOT_OWN_USER)
          << name;
    }
  }
}

TEST(MethodTest, NamesAreFoundExactly) {
  for (int i = 0; i < kMethodCount; ++i) {
    const auto method = static_cast<Method>(i);
    EXPECT_EQ(FindMethod(FullName(method)), method) << FullName(method);
  }
  for (const std::string_view name :
       {"", "/", "unipresence.v1.PresenceService/", "unipresence.v1.PresenceService/getpresence",
        "/unipresence.v1.PresenceService/GetPresence"}) {
    EXPECT_EQ(FindMethod(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace unipresence
