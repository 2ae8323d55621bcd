#include "clients/cpp/client.h"

#include <gmock/gmock.h>
#include <google/protobuf/any.pb.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "unipresence/v1/presence.grpc.pb.h"

namespace unipresence::client {
namespace {

using ::testing::HasSubstr;

grpc::Status ErrorWith(grpc::StatusCode code, const std::string& message,
                       const v1::ErrorDetail& detail) {
  v1::ErrorStatus status;
  status.add_details()->set_type_url("type.googleapis.com/somebody.Else");
  google::protobuf::Any& any = *status.add_details();
  any.set_type_url("type.googleapis.com/unipresence.v1.ErrorDetail");
  any.set_value(detail.SerializeAsString());
  return grpc::Status(code, message, status.SerializeAsString());
}

// Knows alice alone, and tells what it was called with.
class FakePresenceService final : public v1::PresenceService::Service {
 public:
  grpc::Status GetPresence(grpc::ServerContext* context, const v1::GetPresenceRequest* request,
                           v1::Presence* response) override {
    const auto token = context->client_metadata().find("authorization");
    authorization = token == context->client_metadata().end()
                        ? std::string("none")
                        : std::string(token->second.data(), token->second.size());
    time_left = context->deadline() - std::chrono::system_clock::now();
    if (request->user() == "slow") {
      while (!context->IsCancelled()) ::usleep(1000);
      return grpc::Status::CANCELLED;
    }
    if (request->user() != "alice") {
      v1::ErrorDetail detail;
      detail.set_reason(v1::ERROR_REASON_USER_NOT_FOUND);
      (*detail.mutable_metadata())["user"] = request->user();
      return ErrorWith(grpc::StatusCode::NOT_FOUND, "there is no user 'bob'", detail);
    }
    response->set_user("alice");
    return grpc::Status::OK;
  }

  std::string authorization;
  std::chrono::system_clock::duration time_left{};
};

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    unix_address_ =
        "unix://" + ::testing::TempDir() + "client_test." + std::to_string(::getpid()) + ".sock";
    builder.AddListeningPort(unix_address_, grpc::InsecureServerCredentials());
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  static absl::StatusOr<v1::Presence> Get(const Client& client, const std::string& user) {
    auto stub = v1::PresenceService::NewStub(client.channel());
    v1::GetPresenceRequest request;
    request.set_user(user);
    return client.Call(*stub, &v1::PresenceService::Stub::GetPresence, request);
  }

  FakePresenceService service_;
  int port_ = 0;
  std::string unix_address_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(ClientTest, CallsOverTcpAndUnixSockets) {
  for (const std::string& address : {address(), unix_address_}) {
    SCOPED_TRACE(address);
    const Client client({.address = address});
    const absl::StatusOr<v1::Presence> presence = Get(client, "alice");
    ASSERT_TRUE(presence.ok()) << presence.status();
    EXPECT_EQ(presence->user(), "alice");
  }
}

TEST_F(ClientTest, SendsTheTokenAndADeadline) {
  Client client({.address = address(), .timeout = std::chrono::milliseconds(60'000)});
  ASSERT_TRUE(Get(client, "alice").ok());
  EXPECT_EQ(service_.authorization, "none");
  EXPECT_LE(service_.time_left, std::chrono::seconds(61));
  client.SetToken("secret");
  ASSERT_TRUE(Get(client, "alice").ok());
  EXPECT_EQ(service_.authorization, "Bearer secret");
}

TEST_F(ClientTest, TheDeadlinePasses) {
  const Client client({.address = address(), .timeout = std::chrono::milliseconds(50)});
  EXPECT_EQ(Get(client, "slow").status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(ClientTest, ErrorsSayTheReasonInTextAndForPrograms) {
  const Client client({.address = address()});
  const absl::Status status = Get(client, "bob").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "there is no user 'bob' (USER_NOT_FOUND, user=bob)");
  EXPECT_EQ(DetailOf(status).reason(), v1::ERROR_REASON_USER_NOT_FOUND);
  EXPECT_EQ(DetailOf(status).metadata().at("user"), "bob");
}

TEST_F(ClientTest, AServerThatIsNotThereIsNamed) {
  const Client client({.address = "unix:///nonexistent/socket"});
  const absl::Status status = Get(client, "alice").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("unix:///nonexistent/socket"));
}

TEST(FromGrpcTest, OkIsOk) { EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok()); }

TEST(FromGrpcTest, WithoutDetailsTheSentenceStaysAlone) {
  const absl::Status status =
      FromGrpc(grpc::Status(grpc::StatusCode::INTERNAL, "broken", "\xff no protobuf"));
  EXPECT_EQ(status.message(), "broken");
  EXPECT_EQ(DetailOf(status).reason(), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(FromGrpcTest, AReasonOfANewerServerIsKeptForPrograms) {
  v1::ErrorDetail detail;
  detail.set_reason(static_cast<v1::ErrorReason>(9999));
  const absl::Status status = FromGrpc(ErrorWith(grpc::StatusCode::ABORTED, "try again", detail));
  EXPECT_EQ(status.message(), "try again");
  EXPECT_EQ(static_cast<int>(DetailOf(status).reason()), 9999);
}

}  // namespace
}  // namespace unipresence::client
