// Every rpc of the API, as the descriptors list them: each is registered, answers, and is open to
// whom its option `access` says. And the services that gRPC brings: health and reflection.

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "server/service/method.h"
#include "tests/integration/grpc_test_server.h"

namespace unipresence::testing {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using ::testing::HasSubstr;
using Code = grpc::StatusCode;

struct RawAnswer {
  grpc::Status status;
  std::string bytes;  // of the one response, if there was one
};

// One request and at most one response, whatever kind of rpc it is.
RawAnswer RawCall(const GrpcTestClient& client, const std::string& path,
                  const std::string& request) {
  grpc::GenericStub stub(client.channel());
  const auto context = client.Context();
  grpc::CompletionQueue queue;
  const grpc::Slice slice(request);
  const auto call =
      stub.PrepareUnaryCall(context.get(), "/" + path, grpc::ByteBuffer(&slice, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  RawAnswer answer;
  call->Finish(&response, &answer.status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  std::vector<grpc::Slice> slices;
  if (answer.status.ok() && response.Dump(&slices).ok()) {
    for (const grpc::Slice& piece : slices) {
      answer.bytes.append(reinterpret_cast<const char*>(piece.begin()), piece.size());
    }
  }
  return answer;
}

// The rpcs of all .proto files of the API.
std::vector<const MethodDescriptor*> RpcsOnDisk() {
  std::vector<const MethodDescriptor*> methods;
  const std::filesystem::path root(UNIPRESENCE_SOURCE_DIR "/proto");
  for (const auto& entry : std::filesystem::directory_iterator(root / "unipresence/v1")) {
    if (entry.path().extension() != ".proto") continue;
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    if (text.str().find("\nservice ") == std::string::npos) continue;
    const std::string name = entry.path().lexically_relative(root).string();
    const FileDescriptor* file = DescriptorPool::generated_pool()->FindFileByName(name);
    EXPECT_NE(file, nullptr) << name;
    if (file == nullptr) continue;
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        methods.push_back(file->service(s)->method(m));
      }
    }
  }
  return methods;
}

std::string PathOf(const MethodDescriptor& method) {
  return method.service()->full_name() + "/" + method.name();
}

// A request about that user; empty if the request cannot name one.
std::string RequestAbout(const MethodDescriptor& method, const std::string& user) {
  google::protobuf::DynamicMessageFactory factory;
  const Descriptor* type = method.input_type();
  const FieldDescriptor* field = type->FindFieldByName("user");
  if (field == nullptr || field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return {};
  const std::unique_ptr<google::protobuf::Message> message(factory.GetPrototype(type)->New());
  message->GetReflection()->SetString(message.get(), field, user);
  return message->SerializeAsString();
}

class GrpcMethodsTest : public ::testing::Test {
 protected:
  GrpcMethodsTest() { server_.AddUsers(); }

  GrpcTestServer server_;
};

// Field 1 with length 0: no user is named, and WatchPresences, which has no end, is refused.
constexpr std::string_view kEmptyFirstField("\x0a\x00", 2);

TEST_F(GrpcMethodsTest, EveryMethodIsInTheTable) {
  const std::vector<const MethodDescriptor*> methods = RpcsOnDisk();
  EXPECT_EQ(methods.size(), AllMethods().size());
  for (const MethodDescriptor* method : methods) {
    const auto found = std::find_if(AllMethods().begin(), AllMethods().end(),
                                    [&](const Method& row) { return row.descriptor == method; });
    ASSERT_NE(found, AllMethods().end()) << PathOf(*method);
    EXPECT_EQ(found->full_name, PathOf(*method));
  }
}

// What is declared and not offered yet.
bool IsImplemented(const std::string& path) {
  static const std::set<std::string> kNotYet = {"unipresence.v1.ProvisioningService/ImportUsers",
                                                "unipresence.v1.ProvisioningService/ExportUsers",
                                                "unipresence.v1.HistoryService/GetCallRecord",
                                                "unipresence.v1.HistoryService/ListCallRecords"};
  return !kNotYet.contains(path);
}

TEST_F(GrpcMethodsTest, EveryMethodAnswersOrSaysThatItIsNotOffered) {
  for (const MethodDescriptor* method : RpcsOnDisk()) {
    const std::string path = PathOf(*method);
    const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root", v1::SESSION_KIND_CLIENT);
    const grpc::Status status = RawCall(root, path, std::string(kEmptyFirstField)).status;
    EXPECT_EQ(status.error_code() != Code::UNIMPLEMENTED, IsImplemented(path))
        << path << ": " << status.error_message();
    if (status.error_code() == Code::UNIMPLEMENTED) {
      EXPECT_THAT(status.error_message(), HasSubstr("this server")) << path;
    }
    EXPECT_NE(status.error_code(), Code::INTERNAL) << path << ": " << status.error_message();
    EXPECT_NE(status.error_code(), Code::UNKNOWN) << path << ": " << status.error_message();
    EXPECT_NE(status.error_code(), Code::DEADLINE_EXCEEDED) << path;
    EXPECT_TRUE(root.LogOut().ok() || path.ends_with("/DeleteSession")) << path;
  }
}

TEST_F(GrpcMethodsTest, EveryMethodButLoggingInAsksForAToken) {
  const GrpcTestClient nobody(server_);
  for (const MethodDescriptor* method : RpcsOnDisk()) {
    const std::string path = PathOf(*method);
    const grpc::Status status = RawCall(nobody, path, std::string(kEmptyFirstField)).status;
    if (path == "unipresence.v1.SessionService/CreateSession") {
      EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FIELD_REQUIRED);
      continue;
    }
    // What is wrong with a request is told only to those who may make it.
    if (path == "unipresence.v1.PresenceService/WatchPresences") {
      EXPECT_EQ(ReasonOf(RawCall(nobody, path, {}).status), v1::ERROR_REASON_TOKEN_MISSING);
      continue;
    }
    EXPECT_EQ(status.error_code(), Code::UNAUTHENTICATED) << path;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_TOKEN_MISSING) << path;
  }
}

TEST_F(GrpcMethodsTest, UsersMayDoWhatTheOptionSays) {
  for (const MethodDescriptor* method : RpcsOnDisk()) {
    const std::string path = PathOf(*method);
    const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
    const Method& found = MethodTaking(*method->input_type());
    const bool streams = method->client_streaming() || method->server_streaming();
    if (streams && !IsImplemented(path)) continue;  // told without looking at the session
    const grpc::Status own = RawCall(alice, path, std::string(kEmptyFirstField)).status;
    const std::string about_bob = RequestAbout(*method, "bob");
    switch (found.access) {
      case v1::ACCESS_PUBLIC:
      case v1::ACCESS_SESSION:
        EXPECT_NE(own.error_code(), Code::PERMISSION_DENIED) << path;
        break;
      case v1::ACCESS_OWN_USER:
        EXPECT_NE(own.error_code(), Code::PERMISSION_DENIED) << path;
        if (!about_bob.empty()) {
          const grpc::Status other = RawCall(alice, path, about_bob).status;
          EXPECT_EQ(other.error_code(), Code::PERMISSION_DENIED) << path;
          EXPECT_EQ(ReasonOf(other), v1::ERROR_REASON_NOT_OWN_USER) << path;
        }
        break;
      default:
        EXPECT_EQ(own.error_code(), Code::PERMISSION_DENIED) << path;
        EXPECT_EQ(ReasonOf(own), v1::ERROR_REASON_ROLE_REQUIRED) << path;
        break;
    }
  }
}

// What bytes get that are no message of the request's type.
void ExpectMalformed(const MethodDescriptor& method, const grpc::Status& status) {
  const std::string path = PathOf(method);
  if (!method.client_streaming()) {
    EXPECT_EQ(status.error_code(), Code::INVALID_ARGUMENT) << path << ": not in its Handle()?";
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FIELD_INVALID) << path;
    EXPECT_THAT(status.error_message(), HasSubstr(method.input_type()->full_name())) << path;
  } else if (path == "unipresence.v1.SessionService/HoldSession") {
    // gRPC tells a garbled message of a client's stream as the end of that stream.
    EXPECT_TRUE(status.ok()) << path << ": " << status.error_message();
  } else {
    EXPECT_EQ(status.error_code(), Code::UNIMPLEMENTED) << path;  // without reading a message
  }
}

TEST_F(GrpcMethodsTest, GarbageIsAcceptedByNoMethod) {
  for (const MethodDescriptor* method : RpcsOnDisk()) {
    const std::string path = PathOf(*method);
    const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root", v1::SESSION_KIND_CLIENT);
    ExpectMalformed(*method, RawCall(root, path, "\xff\xff\xff\xff\xff\xff").status);
    const grpc::Status nobody =
        RawCall(GrpcTestClient(server_), path, "\xff\xff\xff\xff\xff\xff").status;
    if (!method->client_streaming()) ExpectMalformed(*method, nobody);
  }
}

TEST_F(GrpcMethodsTest, EachAnswerIsCountedForItsMethod) {
  const GrpcTestClient nobody(server_);
  for (const MethodDescriptor* method : RpcsOnDisk()) {
    if (method->client_streaming()) continue;
    const std::size_t index = MethodTaking(*method->input_type()).index;
    const auto& counted = server_.probe().rpcs[index][Code::INVALID_ARGUMENT];
    const std::uint64_t before = counted.value();
    RawCall(nobody, PathOf(*method), "\xff");
    EXPECT_EQ(counted.value(), before + 1) << PathOf(*method);
  }
}

// Of a field that is a string: Protobuf itself refuses such bytes.
TEST_F(GrpcMethodsTest, TextThatIsNotUtf8IsAcceptedByNoMethod) {
  for (const MethodDescriptor* method : RpcsOnDisk()) {
    const FieldDescriptor* field = method->input_type()->FindFieldByName("user");
    if (field == nullptr || field->type() != FieldDescriptor::TYPE_STRING) continue;
    const std::string path = PathOf(*method);
    const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root", v1::SESSION_KIND_CLIENT);
    ExpectMalformed(*method, RawCall(root, path, "\x0a\x01\xff").status);
  }
}

// grpc.health.v1: HealthCheckRequest.service is field 1; HealthCheckResponse.status too, SERVING =
// 1 and NOT_SERVING = 2.
TEST_F(GrpcMethodsTest, HealthTellsLivenessAndReadiness) {
  const GrpcTestClient nobody(server_);
  const auto check = [&](const std::string& service) {
    const std::string request =
        service.empty() ? "" : "\x0a" + std::string(1, static_cast<char>(service.size())) + service;
    return RawCall(nobody, "grpc.health.v1.Health/Check", request);
  };
  EXPECT_EQ(check("").bytes, "\x08\x01");
  EXPECT_EQ(check("readiness").bytes, "\x08\x02");
  EXPECT_EQ(check("unipresence.v1").bytes, "\x08\x02");
  server_.server().SetServing(true, true);
  EXPECT_EQ(check("readiness").bytes, "\x08\x01");
  EXPECT_EQ(check("unipresence.v1").bytes, "\x08\x01");
  server_.server().SetServing(false, false);
  EXPECT_EQ(check("").bytes, "\x08\x01");
  EXPECT_EQ(check("readiness").bytes, "\x08\x02");
  EXPECT_EQ(check("nonsense").status.error_code(), Code::NOT_FOUND);
}

// ServerReflectionRequest.list_services is field 7.
TEST_F(GrpcMethodsTest, ReflectionListsEveryService) {
  const RawAnswer answer = RawCall(GrpcTestClient(server_),
                                   "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                   std::string("\x3a\x00", 2));
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  for (const MethodDescriptor* method : RpcsOnDisk()) {
    EXPECT_THAT(answer.bytes, HasSubstr(method->service()->full_name()));
  }
}

// ServerReflectionRequest.file_containing_symbol is field 4; what is answered has the files that it
// imports.
TEST_F(GrpcMethodsTest, ReflectionTellsWhoMayCall) {
  const std::string symbol = "unipresence.v1.PresenceService";
  const RawAnswer answer = RawCall(
      GrpcTestClient(server_), "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      "\x22" + std::string(1, static_cast<char>(symbol.size())) + symbol);
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  for (const char* file : {"unipresence/v1/presence.proto", "unipresence/v1/access.proto",
                           "google/protobuf/descriptor.proto"}) {
    EXPECT_THAT(answer.bytes, HasSubstr(file));
  }
  google::protobuf::MethodOptions session;
  session.SetExtension(v1::access, v1::ACCESS_SESSION);
  EXPECT_THAT(answer.bytes, HasSubstr(session.SerializeAsString()));
}

}  // namespace
}  // namespace unipresence::testing
