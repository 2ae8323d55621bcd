#include "server/service/method.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/service/call.h"
#include "server/service/status.h"
#include "unipresence/v1/presence.pb.h"

namespace unipresence {
namespace {

namespace pb = google::protobuf;
using ::testing::AllOf;
using ::testing::HasSubstr;

const Method* Find(std::string_view full_name) {
  const auto methods = AllMethods();
  const auto it = std::find_if(methods.begin(), methods.end(),
                               [&](const Method& method) { return method.full_name == full_name; });
  return it == methods.end() ? nullptr : &*it;
}

// Who may call what, written down a second time: nobody opens or closes an rpc by one slip.
const std::map<std::string, v1::Access>& Expected() {
  static const std::map<std::string, v1::Access> kExpected = {
      {"PresenceService/GetPresence", v1::ACCESS_SESSION},
      {"PresenceService/BatchGetPresences", v1::ACCESS_SESSION},
      {"PresenceService/ListPresences", v1::ACCESS_SESSION},
      {"PresenceService/WatchPresences", v1::ACCESS_SESSION},
      {"PresenceService/ExplainPresence", v1::ACCESS_OWN_USER},
      {"SessionService/CreateSession", v1::ACCESS_PUBLIC},
      {"SessionService/GetSession", v1::ACCESS_SESSION},
      {"SessionService/ListSessions", v1::ACCESS_OWN_USER},
      {"SessionService/KeepSessionAlive", v1::ACCESS_SESSION},
      {"SessionService/HoldSession", v1::ACCESS_SESSION},
      {"SessionService/DeleteSession", v1::ACCESS_SESSION},
      {"DeviceSelectionService/GetDeviceSelection", v1::ACCESS_OWN_USER},
      {"DeviceSelectionService/SelectDevice", v1::ACCESS_OWN_USER},
      {"ProvisioningService/GetUser", v1::ACCESS_SESSION},
      {"ProvisioningService/ListUsers", v1::ACCESS_SESSION},
      {"ProvisioningService/CreateUser", v1::ACCESS_ADMINISTRATOR},
      {"ProvisioningService/UpdateUser", v1::ACCESS_ADMINISTRATOR},
      {"ProvisioningService/DeleteUser", v1::ACCESS_ADMINISTRATOR},
      {"ProvisioningService/ImportUsers", v1::ACCESS_ADMINISTRATOR},
      {"ProvisioningService/ExportUsers", v1::ACCESS_ADMINISTRATOR},
      {"ProvisioningService/RenderAsteriskConfiguration", v1::ACCESS_ADMINISTRATOR},
      {"ProvisioningService/ApplyAsteriskConfiguration", v1::ACCESS_ADMINISTRATOR},
      {"AdministrationService/GetServerStatus", v1::ACCESS_SESSION},
      {"AdministrationService/GetPbx", v1::ACCESS_SESSION},
      {"AdministrationService/ListPbxs", v1::ACCESS_SESSION},
      {"AdministrationService/ReconcilePbx", v1::ACCESS_ADMINISTRATOR},
      {"ForwardingService/GetForwarding", v1::ACCESS_OWN_USER},
      {"ForwardingService/UpdateForwarding", v1::ACCESS_OWN_USER},
      {"ForwardingService/SetDoNotDisturb", v1::ACCESS_OWN_USER},
      {"VoicemailService/GetMailbox", v1::ACCESS_OWN_USER},
      {"CallControlService/ListCalls", v1::ACCESS_OWN_USER},
      {"CallControlService/WatchCalls", v1::ACCESS_OWN_USER},
      {"CallControlService/PlaceCall", v1::ACCESS_OWN_USER},
      {"CallControlService/HangUpCall", v1::ACCESS_OWN_USER},
      {"CallControlService/TransferCall", v1::ACCESS_OWN_USER},
      {"CallControlService/StartAttendedTransfer", v1::ACCESS_OWN_USER},
      {"CallControlService/CompleteAttendedTransfer", v1::ACCESS_OWN_USER},
      {"CallControlService/CancelAttendedTransfer", v1::ACCESS_OWN_USER},
      {"HistoryService/GetCallRecord", v1::ACCESS_OWN_USER},
      {"HistoryService/ListCallRecords", v1::ACCESS_OWN_USER},
  };
  return kExpected;
}

TEST(MethodTest, EveryMethodIsOpenToWhomItShouldBe) {
  ASSERT_EQ(Expected().size(), AllMethods().size());
  const Caller alice{.key = {}, .session = {}, .user = "alice", .role = Role::kUser};
  const Caller root{.key = {}, .session = {}, .user = "root", .role = Role::kAdministrator};
  for (const auto& [name, access] : Expected()) {
    const Method* method = Find("unipresence.v1." + name);
    ASSERT_NE(method, nullptr) << name;
    EXPECT_EQ(method->access, access) << name;
    for (const std::string_view user : {"", "root", "bob"}) {
      EXPECT_TRUE(Authorize(*method, root, user).ok()) << name << " " << user;
    }
    const bool administrator = access == v1::ACCESS_ADMINISTRATOR;
    EXPECT_EQ(Authorize(*method, alice, "").ok(), !administrator) << name;
    EXPECT_EQ(Authorize(*method, alice, "alice").ok(), !administrator) << name;
    const absl::Status other = Authorize(*method, alice, "bob");
    EXPECT_EQ(other.ok(), access == v1::ACCESS_SESSION || access == v1::ACCESS_PUBLIC) << name;
    if (!other.ok()) {
      EXPECT_EQ(ReasonOf(other),
                administrator ? v1::ERROR_REASON_ROLE_REQUIRED : v1::ERROR_REASON_NOT_OWN_USER)
          << name;
    }
  }
}

TEST(MethodTest, ARequestNamesItsRpc) {
  EXPECT_EQ(MethodOf<v1::GetPresenceRequest>().full_name,
            "unipresence.v1.PresenceService/GetPresence");
  for (const Method& method : AllMethods()) {
    EXPECT_EQ(&MethodTaking(*method.descriptor->input_type()), &method) << method.full_name;
    EXPECT_EQ(&AllMethods()[method.index], &method) << method.full_name;
  }
}

TEST(MethodTest, ARequestOfNoRpcIsADefect) {
  EXPECT_DEATH(MethodTaking(*v1::Presence::descriptor()), "takes 'unipresence.v1.Presence'");
}

// A service with the rpcs `Get` and `List`, which take what is said, and of which `Get` has the
// options.
absl::StatusOr<std::vector<Method>> ReadService(pb::DescriptorPool& pool,
                                                const pb::MethodOptions& options,
                                                const std::string& request_of_list) {
  pb::FileDescriptorProto file;
  file.set_name("thing.proto");
  for (const char* name : {"GetRequest", "ListRequest"}) file.add_message_type()->set_name(name);
  pb::ServiceDescriptorProto& service = *file.add_service();
  service.set_name("ThingService");
  const auto add = [&](const std::string& name, const std::string& request) {
    pb::MethodDescriptorProto& method = *service.add_method();
    method.set_name(name);
    method.set_input_type(request);
    method.set_output_type("GetRequest");
    method.mutable_options()->SetExtension(v1::access, v1::ACCESS_SESSION);
  };
  add("Get", "GetRequest");
  add("List", request_of_list);
  *service.mutable_method(0)->mutable_options() = options;
  const std::array<const pb::FileDescriptor*, 1> files = {pool.BuildFile(file)};
  return ReadMethods(files);
}

TEST(MethodTest, AnRpcWithoutAccessIsRefused) {
  pb::MethodOptions options;
  options.SetExtension(v1::access, v1::ACCESS_PUBLIC);
  pb::DescriptorPool pool;
  const auto methods = ReadService(pool, options, "ListRequest");
  ASSERT_TRUE(methods.ok()) << methods.status();
  ASSERT_EQ(methods->size(), 2u);
  EXPECT_EQ((*methods)[0].full_name, "ThingService/Get");
  EXPECT_EQ((*methods)[0].access, v1::ACCESS_PUBLIC);
  EXPECT_EQ((*methods)[1].access, v1::ACCESS_SESSION);

  pb::MethodOptions unspecified;
  unspecified.SetExtension(v1::access, v1::ACCESS_UNSPECIFIED);
  pb::MethodOptions unknown;
  ASSERT_TRUE(unknown.ParseFromString("\xe0\xe0\x18\x63"));  // access = 99
  for (const pb::MethodOptions& wrong : {pb::MethodOptions(), unspecified, unknown}) {
    pb::DescriptorPool other;
    const absl::Status refused = ReadService(other, wrong, "ListRequest").status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(refused.message()),
                AllOf(HasSubstr("'ThingService.Get'"), HasSubstr("option (access)")));
  }
}

TEST(MethodTest, ARequestOfTwoRpcsIsRefused) {
  pb::MethodOptions options;
  options.SetExtension(v1::access, v1::ACCESS_PUBLIC);
  pb::DescriptorPool pool;
  const absl::Status refused = ReadService(pool, options, "GetRequest").status();
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("'ThingService.List'"), HasSubstr("'ThingService/Get'")));
}

}  // namespace
}  // namespace unipresence
