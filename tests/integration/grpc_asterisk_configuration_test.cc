// Asterisk's configuration over a real gRPC connection.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
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

// A PBX that loads what it is told, or refuses, and tells what it was told to know.
class FakePbxControl final : public PbxControl {
 public:
  void AbandonReconciles() override {}
  void Reconcile(std::string_view, ReconcileCallback done) override {
    std::move(done)(absl::UnimplementedError("not here"));
  }
  void WhenWritten(std::string_view, absl::AnyInvocable<void() &&> done) override {
    std::move(done)();
  }
  absl::Status SetWriteBack(std::string_view, bool) override { return absl::OkStatus(); }
  void FindConflicts(std::string_view pbx, const ConfiguredNames& next,
                     const FormerConfiguration& former, Look look,
                     ConflictsCallback done) override {
    EXPECT_EQ(pbx, "main");
    absl::StatusOr<std::vector<std::string>> found;
    {
      const MutexLock lock(mutex_);
      asked_next_ = next;
      asked_former_ = former;
      looks_.push_back(look);
      found = conflicts_;
    }
    std::move(done)(std::move(found));
  }
  void Load(std::string_view pbx, ExpectedConfiguration expected, LoadCallback done) override {
    EXPECT_EQ(pbx, "main");
    const MutexLock lock(mutex_);
    loads_.push_back(std::move(expected));
    absl::Status status = loads_.size() == 1 ? first_ : absl::OkStatus();
    std::move(done)(std::move(status));
  }
  void AnswerFirst(absl::Status status) {
    const MutexLock lock(mutex_);
    first_ = std::move(status);
  }
  void AnswerConflicts(absl::StatusOr<std::vector<std::string>> conflicts) {
    const MutexLock lock(mutex_);
    conflicts_ = std::move(conflicts);
  }
  FormerConfiguration AskedFormer() {
    const MutexLock lock(mutex_);
    return asked_former_;
  }
  std::vector<Look> TakeLooks() {
    const MutexLock lock(mutex_);
    return std::exchange(looks_, {});
  }
  std::vector<ExpectedConfiguration> TakeLoads() {
    const MutexLock lock(mutex_);
    return std::exchange(loads_, {});
  }

 private:
  Mutex mutex_;
  absl::Status first_ ABSL_GUARDED_BY(mutex_);
  std::vector<ExpectedConfiguration> loads_ ABSL_GUARDED_BY(mutex_);
  absl::StatusOr<std::vector<std::string>> conflicts_ ABSL_GUARDED_BY(mutex_) =
      std::vector<std::string>();
  ConfiguredNames asked_next_ ABSL_GUARDED_BY(mutex_);
  FormerConfiguration asked_former_ ABSL_GUARDED_BY(mutex_);
  std::vector<Look> looks_ ABSL_GUARDED_BY(mutex_);
};

GrpcTestServer::Options OptionsOf(FakePbxControl& pbx, const std::string& folder) {
  GrpcTestServer::Options options;
  options.pbx_control = &pbx;
  if (!folder.empty()) options.configuration_folders = {{"main", folder}};
  return options;
}

class GrpcAsteriskConfigurationTest : public ::testing::Test {
 protected:
  GrpcAsteriskConfigurationTest() : server_(OptionsOf(pbx_, folder_.path())) {
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
      for (const v1::SkippedUser& user : piece.skipped_users()) skipped_.push_back(user.user());
      ++pieces_;
    }
    return {reader->Finish(), std::move(files)};
  }

  static std::pair<grpc::Status, v1::ApplyAsteriskConfigurationResponse> Apply(
      const GrpcTestClient& client, bool validate_only = false) {
    v1::ApplyAsteriskConfigurationRequest request;
    request.set_pbx("main");
    request.set_validate_only(validate_only);
    return client.Call<v1::ProvisioningService>(
        &v1::ProvisioningService::Stub::ApplyAsteriskConfiguration, request);
  }
  // The files that are there, by name.
  std::map<std::string, std::string> Written() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      std::ifstream file(entry.path());
      files[entry.path().filename().string()] =
          std::string(std::istreambuf_iterator<char>(file), {});
    }
    return files;
  }

  TempFolder folder_;
  FakePbxControl pbx_;
  GrpcTestServer server_;
  int pieces_ = 0;
  std::vector<std::string> skipped_;
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

TEST_F(GrpcAsteriskConfigurationTest, WhatIsAppliedIsWrittenLoadedAndShownWithoutSecrets) {
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  const auto [checked, difference] = Apply(root, /*validate_only=*/true);
  ASSERT_TRUE(checked.ok()) << checked.error_message();
  EXPECT_EQ(difference.outcome(), v1::APPLY_OUTCOME_VALIDATED);
  EXPECT_TRUE(Written().empty());
  EXPECT_TRUE(pbx_.TakeLoads().empty());

  const auto [status, applied] = Apply(root);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(applied.outcome(), v1::APPLY_OUTCOME_APPLIED);
  EXPECT_EQ(Written(), Render(root, "main").second);
  ASSERT_EQ(applied.changes_size(), 3);
  EXPECT_EQ(applied.changes(0).diff(), difference.changes(0).diff());
  const std::string& pjsip = applied.changes(1).diff();
  EXPECT_THAT(pjsip, HasSubstr("\n+[alice](unipresence-deskphone)\n"));
  EXPECT_THAT(pjsip, HasSubstr("\n+password = ***\n"));
  EXPECT_EQ(pjsip.find("secret-of"), std::string::npos);
  const std::vector<ExpectedConfiguration> loads = pbx_.TakeLoads();
  ASSERT_EQ(loads.size(), 1u);
  EXPECT_THAT(loads[0].names.endpoints, ::testing::ElementsAre("alice", "alice_w"));
  EXPECT_EQ(loads[0].names.hints.size(), 2u);
  EXPECT_THAT(Written().at("pjsip_unipresence_users.conf"), HasSubstr(loads[0].marks.pjsip));
  EXPECT_FALSE(pbx_.AskedFormer().pjsip_whole) << "there was none";

  EXPECT_EQ(Apply(root).second.outcome(), v1::APPLY_OUTCOME_UNCHANGED);
  EXPECT_EQ(pbx_.TakeLoads(), loads) << "Asterisk may not hold what is in the files";
  EXPECT_EQ(pbx_.AskedFormer(), FormerConfiguration{.expected = loads[0]});
}

TEST_F(GrpcAsteriskConfigurationTest, UnchangedFilesThatAsteriskDoesNotHoldAreToldSo) {
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  ASSERT_EQ(Apply(root).second.outcome(), v1::APPLY_OUTCOME_APPLIED);
  const auto written = Written();
  pbx_.TakeLoads();
  pbx_.AnswerFirst(absl::FailedPreconditionError("holds the former endpoints"));
  const auto [status, response] = Apply(root);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CONFIGURATION_REFUSED);
  EXPECT_THAT(status.error_message(), HasSubstr("the files are as they should be, but"));
  EXPECT_THAT(status.error_message(), HasSubstr("holds the former endpoints"));
  EXPECT_EQ(Written(), written);
}

TEST_F(GrpcAsteriskConfigurationTest, NamesThatAreTakenAreToldAndNothingIsWritten) {
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  folder_.Write("pjsip_unipresence_users.conf", "; former\n");
  const auto former = Written();
  pbx_.AnswerConflicts(std::vector<std::string>{"endpoint alice", "hint 101@default"});
  const auto [status, response] = Apply(root);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CONFIGURATION_CONFLICT);
  EXPECT_EQ(DetailOf(status).metadata().at("pbx"), "main");
  EXPECT_EQ(DetailOf(status).metadata().at("names"), "endpoint alice, hint 101@default");
  EXPECT_THAT(status.error_message(), HasSubstr("endpoint alice"));
  EXPECT_EQ(Written(), former);
  EXPECT_TRUE(pbx_.TakeLoads().empty());

  pbx_.AnswerConflicts(absl::FailedPreconditionError("Asterisk cannot read its pjsip.conf"));
  EXPECT_EQ(ReasonOf(Apply(root).first), v1::ERROR_REASON_CONFIGURATION_REFUSED);
  pbx_.AnswerConflicts(absl::UnavailableError("the link was lost meanwhile"));
  EXPECT_EQ(ReasonOf(Apply(root).first), v1::ERROR_REASON_PBX_UNAVAILABLE);
  EXPECT_EQ(Written(), former);
}

// What would be refused is told before, and Asterisk loads nothing for it.
TEST_F(GrpcAsteriskConfigurationTest, ADryRunFindsNamesThatAreTaken) {
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  pbx_.AnswerConflicts(std::vector<std::string>{"endpoint alice"});
  EXPECT_EQ(ReasonOf(Apply(root, /*validate_only=*/true).first),
            v1::ERROR_REASON_CONFIGURATION_CONFLICT);
  pbx_.AnswerConflicts(absl::FailedPreconditionError("PJSIPShowEndpoints: Permission denied"));
  const auto [status, response] = Apply(root, /*validate_only=*/true);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CONFIGURATION_REFUSED);
  EXPECT_THAT(status.error_message(), HasSubstr("PJSIPShowEndpoints: Permission denied"));
  EXPECT_THAT(pbx_.TakeLooks(),
              ::testing::ElementsAre(PbxControl::Look::kAsItIs, PbxControl::Look::kAsItIs));
  EXPECT_TRUE(Written().empty());
  EXPECT_TRUE(pbx_.TakeLoads().empty());

  pbx_.AnswerConflicts(std::vector<std::string>());
  ASSERT_EQ(Apply(root).second.outcome(), v1::APPLY_OUTCOME_APPLIED);
  EXPECT_THAT(pbx_.TakeLooks(), ::testing::ElementsAre(PbxControl::Look::kAfterReload));
  pbx_.AnswerConflicts(std::vector<std::string>{"hint 101@default"});
  EXPECT_EQ(ReasonOf(Apply(root, /*validate_only=*/true).first),
            v1::ERROR_REASON_CONFIGURATION_CONFLICT)
      << "also where the files are as they should be";
}

TEST_F(GrpcAsteriskConfigurationTest, TheFilesAreForNobodyElseWhateverTheyWere) {
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  const std::filesystem::path path = folder_.File("pjsip_unipresence_users.conf");
  const auto mode = [&] { return std::filesystem::status(path).permissions(); };
  const auto wanted = std::filesystem::perms(0640);
  folder_.Write("pjsip_unipresence_users.conf", "");
  std::filesystem::permissions(path, std::filesystem::perms(0666));
  ASSERT_EQ(Apply(root).second.outcome(), v1::APPLY_OUTCOME_APPLIED);
  EXPECT_EQ(mode(), wanted);
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  ASSERT_EQ(Apply(root).second.outcome(), v1::APPLY_OUTCOME_UNCHANGED);
  EXPECT_EQ(mode(), wanted);
}

TEST_F(GrpcAsteriskConfigurationTest, OneWhoCannotBeRenderedIsLeftOutAndTold) {
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  const auto before = Render(root, "main").second;
  server_.AddUser(WithAccounts(UniqueAccount("eve", "_X")));
  const auto [status, applied] = Apply(root);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(applied.outcome(), v1::APPLY_OUTCOME_APPLIED);
  ASSERT_EQ(applied.skipped_users_size(), 1);
  EXPECT_EQ(applied.skipped_users(0).user(), "eve");
  EXPECT_THAT(applied.skipped_users(0).message(), HasSubstr("_X"));
  EXPECT_EQ(Written(), before);
  EXPECT_EQ(Render(root, "main").second, before);
  EXPECT_THAT(skipped_, ::testing::ElementsAre("eve"));
}

TEST_F(GrpcAsteriskConfigurationTest, WhatAsteriskRefusesIsPutBackAndLoadedAgain) {
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  folder_.Write("pjsip_unipresence_users.conf", "; former\n");
  const auto former = Written();
  pbx_.AnswerFirst(absl::FailedPreconditionError("Reload of res_pjsip.so: it says no"));
  const auto [status, response] = Apply(root);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CONFIGURATION_REFUSED);
  EXPECT_THAT(DetailOf(status).metadata().at("message"), HasSubstr("it says no"));
  EXPECT_EQ(Written(), former);
  const std::vector<ExpectedConfiguration> loads = pbx_.TakeLoads();
  ASSERT_EQ(loads.size(), 2u);
  EXPECT_EQ(loads[1], ExpectedConfiguration()) << "there is nothing in the former file";
  EXPECT_THAT(status.error_message(), HasSubstr("the former configuration is in force again"));

  pbx_.AnswerFirst(absl::UnavailableError("the link was lost meanwhile"));
  EXPECT_EQ(ReasonOf(Apply(root).first), v1::ERROR_REASON_PBX_UNAVAILABLE);
  EXPECT_EQ(Written(), former);
}

TEST_F(GrpcAsteriskConfigurationTest, WithoutALinkNothingIsWritten) {
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  server_.Run([](Core& core) { core.engine.LinkLost(0, "gone"); });
  EXPECT_EQ(ReasonOf(Apply(root).first), v1::ERROR_REASON_PBX_UNAVAILABLE);
  EXPECT_TRUE(Written().empty());
  EXPECT_EQ(Apply(root, /*validate_only=*/true).second.outcome(), v1::APPLY_OUTCOME_VALIDATED);
}

TEST(GrpcAsteriskFolderTest, WithoutAFolderTheSettingIsNamed) {
  FakePbxControl pbx;
  GrpcTestServer server(OptionsOf(pbx, ""));
  server.AddUsers();
  v1::ApplyAsteriskConfigurationRequest request;
  request.set_pbx("main");
  const auto [status, response] =
      GrpcTestClient::LogIn(server, "root")
          .Call<v1::ProvisioningService>(&v1::ProvisioningService::Stub::ApplyAsteriskConfiguration,
                                         request);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CONFIGURATION_REFUSED);
  EXPECT_THAT(status.error_message(), HasSubstr("pbx.configuration_folder"));
}

TEST_F(GrpcAsteriskConfigurationTest, OthersAreRefused) {
  EXPECT_EQ(ReasonOf(Render(GrpcTestClient(server_), "main").first),
            v1::ERROR_REASON_TOKEN_MISSING);
  EXPECT_EQ(ReasonOf(Render(GrpcTestClient::LogIn(server_, "alice"), "main").first),
            v1::ERROR_REASON_ROLE_REQUIRED);
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  EXPECT_EQ(ReasonOf(Render(root, "elsewhere").first), v1::ERROR_REASON_PBX_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Render(root, "").first), v1::ERROR_REASON_FIELD_REQUIRED);
  EXPECT_TRUE(Written().empty());
}

}  // namespace
}  // namespace unipresence::testing
