// Asterisk's configuration over a real gRPC connection.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/integration/grpc_test_server.h"
#include "tests/testing/users.h"

namespace unipresence::testing {
namespace {

using ::testing::HasSubstr;

User WithAccounts(User user) {
  for (Line& line : user.lines) {
    line.sip_username = line.device.substr(6);
    line.sip_secret = "secret-of-" + line.sip_username;
  }
  return user;
}

class GrpcAsteriskConfigurationTest : public ::testing::Test {
 protected:
  GrpcAsteriskConfigurationTest() {
    server_.AddUser(WithAccounts(UniqueAccount("alice", "101")));
    User root = UniqueAccount("root", "100");
    root.role = Role::kAdministrator;
    server_.AddUser(root);
  }

  // The files by path, and how it ended.
  std::pair<grpc::Status, std::map<std::string, std::string>> Render(const GrpcTestClient& client,
                                                                     const std::string& pbx) {
    v1::RenderAsteriskConfigurationRequest request;
    request.set_pbx(pbx);
    const auto stub = v1::ProvisioningService::NewStub(client.channel());
    const auto context = client.Context();
    const auto reader = stub->RenderAsteriskConfiguration(context.get(), request);
    std::map<std::string, std::string> files;
    v1::RenderAsteriskConfigurationResponse piece;
    while (reader->Read(&piece)) {
      files[piece.path()] += piece.content();
      ++pieces_;
    }
    return {reader->Finish(), std::move(files)};
  }

  GrpcTestServer server_;
  int pieces_ = 0;
};

TEST_F(GrpcAsteriskConfigurationTest, AnAdministratorGetsEveryFile) {
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  const auto [status, files] = Render(root, "main");
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(files.size(), 3u);
  EXPECT_THAT(files.at("pjsip_unipresence_users.conf"),
              HasSubstr("\npassword = secret-of-alice\n"));
  EXPECT_THAT(files.at("extensions_unipresence_users.conf"), HasSubstr("\nexten => 101,1,Gosub"));
  EXPECT_THAT(files.at("voicemail_unipresence_users.conf"), HasSubstr("voicemail.conf"));
}

TEST_F(GrpcAsteriskConfigurationTest, LongFilesComeInPieces) {
  constexpr int kUsers = 500;
  for (int i = 0; i < kUsers; ++i) server_.AddUser(WithAccounts(UniqueAccount(i)));
  const auto [status, files] = Render(GrpcTestClient::LogIn(server_, "root"), "main");
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_GT(pieces_, 3);
  const std::string& pjsip = files.at("pjsip_unipresence_users.conf");
  std::size_t endpoints = 0;
  for (std::size_t at = pjsip.find("\naors = "); at != std::string::npos;
       at = pjsip.find("\naors = ", at + 1)) {
    ++endpoints;
  }
  EXPECT_EQ(endpoints, 2u * (kUsers + 1));
  EXPECT_EQ(Render(GrpcTestClient::LogIn(server_, "root"), "main").second, files)
      << "the same users give the same bytes";
}

TEST_F(GrpcAsteriskConfigurationTest, OthersAreRefused) {
  EXPECT_EQ(ReasonOf(Render(GrpcTestClient(server_), "main").first),
            v1::ERROR_REASON_TOKEN_MISSING);
  EXPECT_EQ(ReasonOf(Render(GrpcTestClient::LogIn(server_, "alice"), "main").first),
            v1::ERROR_REASON_ROLE_REQUIRED);
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  EXPECT_EQ(ReasonOf(Render(root, "elsewhere").first), v1::ERROR_REASON_PBX_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Render(root, "").first), v1::ERROR_REASON_FIELD_REQUIRED);
  User pattern = WithAccounts(UniqueAccount("eve", "_X"));
  server_.AddUser(pattern);
  const auto [status, files] = Render(root, "main");
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_THAT(status.error_message(), HasSubstr("eve"));
  EXPECT_TRUE(files.empty()) << "nothing half done";
}

}  // namespace
}  // namespace unipresence::testing
