// Every rpc of the API, as the descriptors list them: each is registered, answers, and is open to
// whom the table of method.h says. And the services that gRPC brings: health and reflection.

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
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
std::vector<const MethodDescriptor*> AllMethods() {
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
  const std::vector<const MethodDescriptor*> methods = AllMethods();
  EXPECT_EQ(methods.size(), static_cast<std::size_t>(kMethodCount));
  for (const MethodDescriptor* method : methods) {
    const std::optional<Method> found = FindMethod(PathOf(*method));
    ASSERT_TRUE(found) << PathOf(*method);
    EXPECT_EQ(FullName(*found), PathOf(*method));
  }
}

TEST_F(GrpcMethodsTest, EveryMethodAnswersUnlessTheTableSaysItDoesNot) {
  for (const MethodDescriptor* method : AllMethods()) {
    const std::string path = PathOf(*method);
    const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root", v1::SESSION_KIND_CLIENT);
    const grpc::Status status = RawCall(root, path, std::string(kEmptyFirstField)).status;
    EXPECT_EQ(status.error_code() != Code::UNIMPLEMENTED, IsImplemented(*FindMethod(path)))
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
  for (const MethodDescriptor* method : AllMethods()) {
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

TEST_F(GrpcMethodsTest, UsersMayDoWhatTheTableSays) {
  for (const MethodDescriptor* method : AllMethods()) {
    const std::string path = PathOf(*method);
    const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
    const Method found = *FindMethod(path);
    const bool streams = method->client_streaming() || method->server_streaming();
    if (streams && !IsImplemented(found)) continue;  // told without looking at the session
    const grpc::Status own = RawCall(alice, path, std::string(kEmptyFirstField)).status;
    const std::string about_bob = RequestAbout(*method, "bob");
    switch (AccessOf(found)) {
      case Access::kPublic:
      case Access::kSession:
        EXPECT_NE(own.error_code(), Code::PERMISSION_DENIED) << path;
        break;
      case Access::kOwnUser:
        EXPECT_NE(own.error_code(), Code::PERMISSION_DENIED) << path;
        if (!about_bob.empty()) {
          const grpc::Status other = RawCall(alice, path, about_bob).status;
          EXPECT_EQ(other.error_code(), Code::PERMISSION_DENIED) << path;
          EXPECT_EQ(ReasonOf(other), v1::ERROR_REASON_NOT_OWN_USER) << path;
        }
        break;
      case Access::kAdministrator:
        EXPECT_EQ(own.error_code(), Code::PERMISSION_DENIED) << path;
        EXPECT_EQ(ReasonOf(own), v1::ERROR_REASON_ROLE_REQUIRED) << path;
        break;
    }
  }
}

TEST_F(GrpcMethodsTest, GarbageIsAcceptedByNoMethod) {
  for (const MethodDescriptor* method : AllMethods()) {
    const std::string path = PathOf(*method);
    const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root", v1::SESSION_KIND_CLIENT);
    const grpc::Status status = RawCall(root, path, "\xff\xff\xff\xff\xff\xff").status;
    // gRPC tells a garbled message of a client's stream as the end of that stream.
    EXPECT_EQ(status.ok(), path == "unipresence.v1.SessionService/HoldSession") << path;
    EXPECT_NE(status.error_code(), Code::DEADLINE_EXCEEDED) << path;
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
  for (const MethodDescriptor* method : AllMethods()) {
    EXPECT_THAT(answer.bytes, HasSubstr(method->service()->full_name()));
  }
}

}  // namespace
}  // namespace unipresence::testing
