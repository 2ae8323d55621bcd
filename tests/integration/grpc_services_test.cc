// Several services together over a real gRPC connection, as a client meets them.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/service/page.h"
#include "tests/integration/grpc_test_server.h"
#include "tests/testing/answer.h"

namespace unipresence::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Code = grpc::StatusCode;

class GrpcServicesTest : public ::testing::Test {
 protected:
  GrpcServicesTest() {
    server_.AddUsers();
    root_.emplace(GrpcTestClient::LogIn(server_, "root", v1::SESSION_KIND_CLIENT));
  }

  std::optional<LineKind> StoredSelection(const std::string& user) {
    Answer<absl::StatusOr<StoredUser>> answer;
    EXPECT_TRUE(server_.store()
                    .Call<StoredUser>([user](Transaction& t) { return t.users.Get(user); }, answer)
                    .ok());
    return answer.Wait()->settings.selected_device;
  }
  // Both lines of the user are registered and idle.
  void Register(const std::string& user) {
    server_.Change("PJSIP/" + user, DeviceState::kNotInUse);
    server_.Change("PJSIP/" + user + "_w", DeviceState::kNotInUse);
  }

  GrpcTestServer server_;
  std::optional<GrpcTestClient> root_;
};

// --- Device selection

std::pair<grpc::Status, v1::DeviceSelection> GetSelection(const GrpcTestClient& client,
                                                          const std::string& user = {}) {
  v1::GetDeviceSelectionRequest request;
  request.set_user(user);
  return client.Call<v1::DeviceSelectionService>(
      &v1::DeviceSelectionService::Stub::GetDeviceSelection, request);
}

TEST_F(GrpcServicesTest, ASelectionIsOnDiskAndInThePresenceWhenItIsAnswered) {
  Register("alice");
  GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  EXPECT_EQ(alice.GetPresence().second.device_in_use(), v1::LINE_KIND_WEBRTC);
  const auto [status, selection] = alice.SelectDevice(v1::LINE_KIND_DESKPHONE);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(selection.user(), "alice");
  EXPECT_EQ(selection.selected_device(), v1::LINE_KIND_DESKPHONE);
  EXPECT_EQ(selection.device_in_use(), v1::LINE_KIND_DESKPHONE);
  EXPECT_TRUE(selection.has_update_time());
  EXPECT_EQ(StoredSelection("alice"), LineKind::kDeskphone);
  const v1::Presence presence = alice.GetPresence().second;
  EXPECT_EQ(presence.selected_device(), v1::LINE_KIND_DESKPHONE);
  EXPECT_EQ(presence.rule(), v1::RULE_SELECTED_DESKPHONE);
  EXPECT_EQ(GetSelection(alice).second.SerializeAsString(), selection.SerializeAsString());
}

TEST_F(GrpcServicesTest, OnlyLinesThatTheUserHasCanBeSelected) {
  GrpcTestClient dave = GrpcTestClient::LogIn(server_, "dave");
  const grpc::Status no_line = dave.SelectDevice(v1::LINE_KIND_WEBRTC).first;
  EXPECT_EQ(no_line.error_code(), Code::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(no_line), v1::ERROR_REASON_LINE_NOT_ASSIGNED);
  EXPECT_EQ(StoredSelection("dave"), std::nullopt);
  for (const int kind : {0, 3, -1}) {
    const grpc::Status status = dave.SelectDevice(static_cast<v1::LineKind>(kind)).first;
    EXPECT_EQ(status.error_code(), Code::INVALID_ARGUMENT) << kind;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FIELD_INVALID) << kind;
  }
}

TEST_F(GrpcServicesTest, OnlyAdministratorsSelectForOthers) {
  GrpcTestClient bob = GrpcTestClient::LogIn(server_, "bob");
  const grpc::Status denied = bob.SelectDevice(v1::LINE_KIND_DESKPHONE, "alice").first;
  EXPECT_EQ(denied.error_code(), Code::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(denied), v1::ERROR_REASON_NOT_OWN_USER);
  EXPECT_EQ(StoredSelection("alice"), std::nullopt);
  EXPECT_TRUE(bob.SelectDevice(v1::LINE_KIND_DESKPHONE, "bob").first.ok());
  EXPECT_TRUE(root_->SelectDevice(v1::LINE_KIND_DESKPHONE, "alice").first.ok());
  EXPECT_EQ(StoredSelection("alice"), LineKind::kDeskphone);
  EXPECT_EQ(ReasonOf(root_->SelectDevice(v1::LINE_KIND_DESKPHONE, "nobody").first),
            v1::ERROR_REASON_USER_NOT_FOUND);
}

TEST_F(GrpcServicesTest, DoNotDisturbIsKeptAndShown) {
  GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  v1::SetDoNotDisturbRequest request;
  request.set_do_not_disturb(true);
  const auto set = [&] {
    return alice.Call<v1::ForwardingService>(&v1::ForwardingService::Stub::SetDoNotDisturb,
                                             request);
  };
  const auto [status, forwarding] = set();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(forwarding.do_not_disturb());
  EXPECT_TRUE(root_->GetPresence("alice").second.do_not_disturb());
  request.set_user("bob");
  EXPECT_EQ(ReasonOf(set().first), v1::ERROR_REASON_NOT_OWN_USER);
}

TEST_F(GrpcServicesTest, ASelectionSurvivesARestart) {
  TempFolder folder;
  GrpcTestServer::Options options;
  options.folder = folder.path();
  {
    GrpcTestServer first(options);
    first.AddUsers();
    GrpcTestClient alice = GrpcTestClient::LogIn(first, "alice");
    ASSERT_TRUE(alice.SelectDevice(v1::LINE_KIND_DESKPHONE).first.ok());
  }
  GrpcTestServer second(options);
  GrpcTestClient alice = GrpcTestClient::LogIn(second, "alice");
  EXPECT_EQ(alice.GetPresence().second.selected_device(), v1::LINE_KIND_DESKPHONE);
  EXPECT_TRUE(GetSelection(alice).second.has_update_time());
}

TEST_F(GrpcServicesTest, LoggingOutMovesCallsToTheDeskphoneAtOnce) {
  Register("alice");
  GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  GrpcTestWatch watch(*root_, {"alice"});
  ASSERT_TRUE(watch.ReadUntilCurrent());
  EXPECT_EQ(watch.held().at("alice").rule(), v1::RULE_SELECTED_WEBRTC);
  EXPECT_EQ(watch.held().at("alice").device_in_use(), v1::LINE_KIND_WEBRTC);
  ASSERT_TRUE(alice.LogOut().ok());
  const v1::Presence presence = root_->GetPresence("alice").second;
  EXPECT_EQ(presence.rule(), v1::RULE_LOGGED_OUT);
  EXPECT_EQ(presence.device_in_use(), v1::LINE_KIND_DESKPHONE);
  EXPECT_EQ(presence.selected_device(), v1::LINE_KIND_WEBRTC);
  const auto response = watch.Read();
  ASSERT_TRUE(response);
  ASSERT_EQ(response->updates_size(), 1);
  EXPECT_EQ(response->updates(0).cause().kind(), v1::CAUSE_KIND_LOGOUT);
  EXPECT_EQ(response->updates(0).presence().rule(), v1::RULE_LOGGED_OUT);
}

// --- Presences

TEST_F(GrpcServicesTest, TokensAreAskedForAndChecked) {
  const grpc::Status missing = GrpcTestClient(server_).GetPresence("alice").first;
  EXPECT_EQ(missing.error_code(), Code::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(missing), v1::ERROR_REASON_TOKEN_MISSING);
  for (const std::string& garbage :
       {std::string("x"), root_->token() + "x", std::string(5000, 'A'), root_->token().substr(1)}) {
    const grpc::Status status = GrpcTestClient(server_, garbage).GetPresence("alice").first;
    EXPECT_EQ(status.error_code(), Code::UNAUTHENTICATED) << garbage;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_TOKEN_INVALID) << garbage;
  }
  // Of the right form, but of no session.
  std::string other = root_->token();
  other[5] = other[5] == 'A' ? 'B' : 'A';
  EXPECT_EQ(ReasonOf(GrpcTestClient(server_, other).GetPresence("alice").first),
            v1::ERROR_REASON_SESSION_EXPIRED);
}

std::pair<grpc::Status, v1::BatchGetPresencesResponse> BatchGet(
    const GrpcTestClient& client, const std::vector<std::string>& users) {
  v1::BatchGetPresencesRequest request;
  for (const std::string& user : users) request.add_users(user);
  return client.Call<v1::PresenceService>(&v1::PresenceService::Stub::BatchGetPresences, request);
}

TEST_F(GrpcServicesTest, BatchesComeInTheOrderAskedForOrNotAtAll) {
  server_.AddEngineUsers(1000);
  std::vector<std::string> users;
  for (int i = 999; i >= 0; --i) users.push_back(fmt::format("user{}", i));
  const auto [status, response] = BatchGet(*root_, users);
  ASSERT_TRUE(status.ok()) << status.error_message();
  std::vector<std::string> got;
  for (const v1::Presence& presence : response.presences()) got.push_back(presence.user());
  EXPECT_EQ(got, users);
  EXPECT_EQ(BatchGet(*root_, {"bob", "bob"}).second.presences_size(), 2);

  const grpc::Status unknown = BatchGet(*root_, {"zoe", "alice", "yves", "zoe"}).first;
  EXPECT_EQ(unknown.error_code(), Code::NOT_FOUND);
  EXPECT_EQ(DetailOf(unknown).metadata().at("users"), "yves,zoe");
  EXPECT_EQ(ReasonOf(BatchGet(*root_, {}).first), v1::ERROR_REASON_FIELD_REQUIRED);
  users.emplace_back("alice");
  EXPECT_EQ(ReasonOf(BatchGet(*root_, users).first), v1::ERROR_REASON_TOO_MANY_ITEMS);
}

// gRPC refuses trailers of more than 8 KiB: an error must not carry all that the client sent.
TEST_F(GrpcServicesTest, ErrorsAboutLongIdsArriveAsWhatTheyAre) {
  std::string wide;  // percent-encoded it is three times as long
  for (int i = 0; i < 40'000; ++i) wide += "\u00e9";
  for (const std::string& id : {std::string(100'000, 'x'), wide}) {
    const grpc::Status status = root_->GetPresence(id).first;
    EXPECT_EQ(status.error_code(), Code::NOT_FOUND) << status.error_message();
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_USER_NOT_FOUND);
    EXPECT_EQ(ReasonOf(root_->GetSession(id).first), v1::ERROR_REASON_SESSION_NOT_FOUND);
    EXPECT_EQ(ReasonOf(BatchGet(*root_, {id, id + "y", "nobody"}).first),
              v1::ERROR_REASON_USER_NOT_FOUND);
  }
  std::vector<std::string> unknown;
  for (int i = 0; i < 1000; ++i) unknown.push_back(fmt::format("{:064}", i));
  EXPECT_EQ(ReasonOf(BatchGet(*root_, unknown).first), v1::ERROR_REASON_USER_NOT_FOUND);
}

std::pair<grpc::Status, v1::ListPresencesResponse> List(const GrpcTestClient& client,
                                                        const v1::ListPresencesRequest& request) {
  return client.Call<v1::PresenceService>(&v1::PresenceService::Stub::ListPresences, request);
}

TEST_F(GrpcServicesTest, PagesListEveryoneOnce) {
  server_.AddEngineUsers(250);
  for (const int size : {1, 37, 0, 1000, 2'000'000}) {
    v1::ListPresencesRequest request;
    request.set_page_size(size);
    std::multiset<std::string> users;
    do {
      const auto [status, page] = List(*root_, request);
      ASSERT_TRUE(status.ok()) << status.error_message();
      EXPECT_LE(page.presences_size(), size == 0 ? 100 : std::min(size, 1000));
      for (const v1::Presence& presence : page.presences()) users.insert(presence.user());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    EXPECT_THAT(users, SizeIs(255)) << size;
    EXPECT_THAT(std::set<std::string>(users.begin(), users.end()), SizeIs(255)) << size;
  }
}

TEST_F(GrpcServicesTest, ListsCanBeFilteredByState) {
  server_.AddEngineUsers(300);
  for (const int i : {3, 150, 299}) {
    server_.Change(fmt::format("PJSIP/user{}", i), DeviceState::kRinging);
  }
  v1::ListPresencesRequest request;
  request.set_page_size(2);
  request.add_states(v1::PRESENCE_STATE_RINGING);
  std::set<std::string> users;
  do {
    const auto [status, page] = List(*root_, request);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_LE(page.presences_size(), 2);
    for (const v1::Presence& presence : page.presences()) users.insert(presence.user());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(users, ElementsAre("user150", "user299", "user3"));
  for (const int state : {0, 99}) {
    request.add_states(static_cast<v1::PresenceState>(state));
    EXPECT_EQ(ReasonOf(List(*root_, request).first), v1::ERROR_REASON_FIELD_INVALID);
    request.mutable_states()->RemoveLast();
  }
}

TEST_F(GrpcServicesTest, PageTokensAreOfOneListOnly) {
  v1::ListPresencesRequest request;
  request.set_page_size(2);
  const std::string token = List(*root_, request).second.next_page_token();
  ASSERT_FALSE(token.empty());
  request.set_page_size(3);  // may change
  request.set_page_token(token);
  EXPECT_TRUE(List(*root_, request).first.ok());
  for (const std::string& garbage : {std::string("x"), std::string(1000, 'x'), token + "x",
                                     token.substr(0, token.size() - 1), token + token}) {
    request.set_page_token(garbage);
    const grpc::Status status = List(*root_, request).first;
    EXPECT_EQ(status.error_code(), Code::INVALID_ARGUMENT);
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  }
  request.set_page_token(token);
  request.add_states(v1::PRESENCE_STATE_UNKNOWN);
  EXPECT_EQ(ReasonOf(List(*root_, request).first), v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  request.clear_states();
  request.set_page_size(-1);
  EXPECT_EQ(ReasonOf(List(*root_, request).first), v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(GrpcServicesTest, ExplainTellsInputsRuleAndCauses) {
  Register("alice");
  GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  GrpcTestClient::LogIn(server_, "alice", v1::SESSION_KIND_CLIENT);
  const auto explain = [](const GrpcTestClient& client, const std::string& user, int limit = 0) {
    v1::ExplainPresenceRequest request;
    request.set_user(user);
    request.set_cause_limit(limit);
    return client.Call<v1::PresenceService>(&v1::PresenceService::Stub::ExplainPresence, request);
  };
  const auto [status, explanation] = explain(alice, "");
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(explanation.presence().SerializeAsString(),
            alice.GetPresence().second.SerializeAsString());
  EXPECT_EQ(explanation.inputs().deskphone_state(), v1::DEVICE_STATE_NOT_INUSE);
  EXPECT_EQ(explanation.inputs().webrtc_state(), v1::DEVICE_STATE_NOT_INUSE);
  EXPECT_TRUE(explanation.inputs().webrtc_reachable());
  EXPECT_FALSE(explanation.inputs().webrtc_active());
  EXPECT_TRUE(explanation.inputs().logged_in());
  EXPECT_THAT(explanation.sentence(), HasSubstr("PJSIP/alice_w"));
  EXPECT_EQ(explanation.lines_size(), 2);
  EXPECT_EQ(explanation.assistant_session_count(), 1u);
  EXPECT_EQ(explanation.client_session_count(), 1u);
  ASSERT_GE(explanation.causes_size(), 2);
  EXPECT_EQ(explanation.causes(0).cause().kind(), v1::CAUSE_KIND_LOGIN);
  EXPECT_EQ(explanation.causes(0).revision(), explanation.presence().revision());
  EXPECT_EQ(explain(alice, "alice", 1).second.causes_size(), 1);
  EXPECT_EQ(ReasonOf(explain(alice, "alice", -1).first), v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(ReasonOf(explain(alice, "bob").first), v1::ERROR_REASON_NOT_OWN_USER);
  EXPECT_TRUE(explain(*root_, "bob").first.ok());
  EXPECT_EQ(ReasonOf(explain(*root_, "nobody").first), v1::ERROR_REASON_USER_NOT_FOUND);
}

std::string ForgedToken(std::uint64_t epoch, std::uint64_t cursor) {
  std::string place(sizeof(epoch) + sizeof(cursor), '\0');
  std::memcpy(place.data(), &epoch, sizeof(epoch));
  std::memcpy(place.data() + sizeof(epoch), &cursor, sizeof(cursor));
  return MakePageToken(MethodOf<v1::ListPresencesRequest>(), "", place);
}

// Well made, but of another run of the server, or leading nowhere.
TEST_F(GrpcServicesTest, ForgedPageTokensDoNoHarm) {
  const auto list = [&](const std::string& token) {
    v1::ListPresencesRequest request;
    request.set_page_token(token);
    return List(*root_, request);
  };
  EXPECT_EQ(ReasonOf(list(ForgedToken(GrpcTestServer::kEpoch + 1, 2)).first),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  EXPECT_EQ(ReasonOf(list(ForgedToken(GrpcTestServer::kEpoch, 0)).first),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  for (const std::uint64_t cursor : {std::uint64_t{6}, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
    const auto [status, page] = list(ForgedToken(GrpcTestServer::kEpoch, cursor));
    EXPECT_TRUE(status.ok()) << cursor << ": " << status.error_message();
    EXPECT_THAT(page.presences(), IsEmpty()) << cursor;
    EXPECT_TRUE(page.next_page_token().empty()) << cursor;
  }
}

// --- Users

v1::User NewUserMessage(const std::string& id, const std::string& exten) {
  v1::User user;
  user.set_id(id);
  user.set_display_name("New " + id);
  user.set_exten(exten);
  user.set_context("default");
  user.set_line_type(v1::LINE_TYPE_UNIQUE_ACCOUNT);
  user.set_password("a good password");
  for (const v1::LineKind kind : {v1::LINE_KIND_DESKPHONE, v1::LINE_KIND_WEBRTC}) {
    v1::Line& line = *user.add_lines();
    line.set_kind(kind);
    line.set_pbx("main");
  }
  return user;
}

std::pair<grpc::Status, v1::User> CreateUser(const GrpcTestClient& client, const v1::User& user) {
  v1::CreateUserRequest request;
  *request.mutable_user() = user;
  return client.Call<v1::ProvisioningService>(&v1::ProvisioningService::Stub::CreateUser, request);
}
std::pair<grpc::Status, v1::User> UpdateUser(const GrpcTestClient& client, const v1::User& user,
                                             const std::vector<std::string>& paths) {
  v1::UpdateUserRequest request;
  *request.mutable_user() = user;
  for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
  return client.Call<v1::ProvisioningService>(&v1::ProvisioningService::Stub::UpdateUser, request);
}
grpc::Status DeleteUser(const GrpcTestClient& client, const std::string& id,
                        const std::string& etag = {}) {
  v1::DeleteUserRequest request;
  request.set_user(id);
  request.set_etag(etag);
  return client.Call<v1::ProvisioningService>(&v1::ProvisioningService::Stub::DeleteUser, request)
      .first;
}

TEST_F(GrpcServicesTest, WatchersSeeUsersComeChangeAndGo) {
  GrpcTestWatch everyone(*root_);
  GrpcTestWatch filtered(*root_, {"erin"});
  ASSERT_TRUE(everyone.ReadUntilCurrent());
  ASSERT_TRUE(filtered.ReadUntilCurrent());
  const auto [status, user] = CreateUser(*root_, NewUserMessage("erin", "150"));
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(user.password().empty());
  EXPECT_EQ(user.lines(1).device(), "PJSIP/erin_w");
  for (GrpcTestWatch* watch : {&everyone, &filtered}) {
    ASSERT_TRUE(watch->ReadUntil("erin", v1::PRESENCE_STATE_UNKNOWN));
    EXPECT_EQ(watch->held().at("erin").lines_size(), 2);
  }
  GrpcTestClient erin(server_);
  EXPECT_TRUE(erin.CreateSession("erin", "a good password").first.ok());
  server_.Change("PJSIP/erin", DeviceState::kInUse);
  for (GrpcTestWatch* watch : {&everyone, &filtered}) {
    ASSERT_TRUE(watch->ReadUntil("erin", v1::PRESENCE_STATE_IN_USE));
  }

  v1::User change = NewUserMessage("erin", "150");
  change.set_line_type(v1::LINE_TYPE_SIP);
  change.mutable_lines()->RemoveLast();
  ASSERT_TRUE(UpdateUser(*root_, change, {"line_type", "lines"}).first.ok());
  for (GrpcTestWatch* watch : {&everyone, &filtered}) {
    while (watch->held().at("erin").lines_size() != 1) ASSERT_TRUE(watch->Read());
    EXPECT_EQ(watch->held().at("erin").rule(), v1::RULE_SINGLE_LINE);
  }

  ASSERT_TRUE(DeleteUser(*root_, "erin").ok());
  for (GrpcTestWatch* watch : {&everyone, &filtered}) {
    while (watch->held().contains("erin")) ASSERT_TRUE(watch->Read());
  }
  EXPECT_EQ(ReasonOf(root_->GetPresence("erin").first), v1::ERROR_REASON_USER_NOT_FOUND);
  EXPECT_FALSE(erin.CreateSession("erin", "a good password").first.ok());
}

TEST_F(GrpcServicesTest, WhatUsersMayNotShareIsRefused) {
  const auto reason = [&](const v1::User& user) {
    return ReasonOf(CreateUser(*root_, user).first);
  };
  EXPECT_EQ(reason(NewUserMessage("alice", "150")), v1::ERROR_REASON_USER_EXISTS);
  EXPECT_EQ(reason(NewUserMessage("erin", "101")), v1::ERROR_REASON_EXTENSION_TAKEN);
  v1::User user = NewUserMessage("erin", "150");
  user.set_username("ALICE");
  EXPECT_EQ(reason(user), v1::ERROR_REASON_USERNAME_TAKEN);
  user = NewUserMessage("erin", "150");
  user.mutable_lines(0)->set_device("PJSIP/alice");
  EXPECT_EQ(reason(user), v1::ERROR_REASON_DEVICE_TAKEN);
  user.mutable_lines(0)->set_device("pjsip/alice");  // the same device to Asterisk
  EXPECT_EQ(reason(user), v1::ERROR_REASON_DEVICE_TAKEN);
  EXPECT_EQ(ReasonOf(root_->GetPresence("erin").first), v1::ERROR_REASON_USER_NOT_FOUND);
}

TEST_F(GrpcServicesTest, ANewPasswordOrRoleEndsTheSessions) {
  GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  GrpcTestWatch watch(alice);
  ASSERT_TRUE(watch.ReadUntilCurrent());
  v1::User change;
  change.set_id("alice");
  change.set_display_name("Alice A.");
  ASSERT_TRUE(UpdateUser(*root_, change, {"display_name"}).first.ok());
  EXPECT_TRUE(alice.GetPresence().first.ok());
  change.set_password("another password");
  ASSERT_TRUE(UpdateUser(*root_, change, {"password"}).first.ok());
  EXPECT_EQ(ReasonOf(alice.GetPresence().first), v1::ERROR_REASON_SESSION_EXPIRED);
  EXPECT_EQ(ReasonOf(watch.Finish()), v1::ERROR_REASON_SESSION_EXPIRED);
  EXPECT_FALSE(root_->GetPresence("alice").second.logged_in());
  GrpcTestClient again(server_);
  EXPECT_FALSE(again.CreateSession("alice", GrpcTestServer::kPassword).first.ok());
  const auto [status, session] = again.CreateSession("alice", "another password");
  ASSERT_TRUE(status.ok()) << status.error_message();
  change.set_role(v1::ROLE_ADMINISTRATOR);
  ASSERT_TRUE(UpdateUser(*root_, change, {"role"}).first.ok());
  EXPECT_EQ(ReasonOf(GrpcTestClient(server_, session.token()).GetPresence().first),
            v1::ERROR_REASON_SESSION_EXPIRED);
}

TEST_F(GrpcServicesTest, OnlyAnAdministratorWhoCanLogInCounts) {
  v1::User change;
  change.set_id("alice");
  change.set_role(v1::ROLE_ADMINISTRATOR);
  change.set_password("");
  ASSERT_TRUE(UpdateUser(*root_, change, {"role", "password"}).first.ok());
  // Every way to the same end: by role, by password, by deletion.
  v1::User root;
  root.set_id("root");
  root.set_role(v1::ROLE_USER);
  EXPECT_EQ(ReasonOf(UpdateUser(*root_, root, {"role"}).first),
            v1::ERROR_REASON_LAST_ADMINISTRATOR);
  EXPECT_EQ(ReasonOf(UpdateUser(*root_, root, {"password"}).first),
            v1::ERROR_REASON_LAST_ADMINISTRATOR);
  EXPECT_EQ(ReasonOf(DeleteUser(*root_, "root")), v1::ERROR_REASON_LAST_ADMINISTRATOR);
  // Nothing of it was done, the session included; who does not count may go.
  EXPECT_TRUE(root_->GetPresence("alice").first.ok());
  EXPECT_TRUE(GrpcTestClient(server_).CreateSession("root", GrpcTestServer::kPassword).first.ok());
  ASSERT_TRUE(DeleteUser(*root_, "alice").ok());
  // With a password another administrator is one.
  change.set_id("bob");
  change.set_password("another password");
  ASSERT_TRUE(UpdateUser(*root_, change, {"role", "password"}).first.ok());
  EXPECT_TRUE(DeleteUser(*root_, "root").ok());
}

TEST_F(GrpcServicesTest, UpdatesAreGuarded) {
  v1::User change;
  change.set_id("root");
  change.set_role(v1::ROLE_USER);
  EXPECT_EQ(ReasonOf(UpdateUser(*root_, change, {"role"}).first),
            v1::ERROR_REASON_LAST_ADMINISTRATOR);
  EXPECT_EQ(ReasonOf(DeleteUser(*root_, "root")), v1::ERROR_REASON_LAST_ADMINISTRATOR);
  change.set_id("alice");
  EXPECT_EQ(ReasonOf(UpdateUser(*root_, change, {"no_such_field"}).first),
            v1::ERROR_REASON_UPDATE_MASK_INVALID);
  change.set_display_name("A");
  change.set_etag("no such version");
  const grpc::Status aborted = UpdateUser(*root_, change, {"display_name"}).first;
  EXPECT_EQ(aborted.error_code(), Code::ABORTED);
  EXPECT_EQ(ReasonOf(aborted), v1::ERROR_REASON_ETAG_MISMATCH);
  change.set_etag(DetailOf(aborted).metadata().at("etag"));
  EXPECT_TRUE(UpdateUser(*root_, change, {"display_name"}).first.ok());
}

TEST_F(GrpcServicesTest, ColleaguesSeeTheDirectoryOnly) {
  GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  const auto get = [](const GrpcTestClient& client, const std::string& user) {
    v1::GetUserRequest request;
    request.set_user(user);
    return client.Call<v1::ProvisioningService>(&v1::ProvisioningService::Stub::GetUser, request)
        .second;
  };
  EXPECT_EQ(get(alice, "bob").exten(), "102");
  EXPECT_THAT(get(alice, "bob").username(), IsEmpty());
  EXPECT_THAT(get(alice, "bob").lines(), IsEmpty());
  EXPECT_EQ(get(alice, "").username(), "alice");
  EXPECT_EQ(get(*root_, "bob").username(), "bob");

  v1::ListUsersRequest request;
  request.set_page_size(2);
  std::vector<std::string> ids;
  do {
    const auto [status, page] =
        alice.Call<v1::ProvisioningService>(&v1::ProvisioningService::Stub::ListUsers, request);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const v1::User& user : page.users()) {
      ids.push_back(user.id());
      EXPECT_EQ(user.username().empty(), user.id() != "alice");
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(ids, ElementsAre("alice", "bob", "carol", "dave", "root"));
}

// --- The server itself

TEST(GrpcServerTest, ListensOnUnixSockets) {
  TempFolder folder;
  GrpcTestServer::Options options;
  options.grpc.listen = {"unix:" + folder.File("grpc.sock"), "127.0.0.1:0"};
  GrpcTestServer server(options);
  server.AddUsers();
  EXPECT_EQ(server.server().ports()[0], 0);
  EXPECT_GT(server.server().ports()[1], 0);
  EXPECT_TRUE(GrpcTestClient::LogIn(server, "alice").GetPresence().first.ok());
}

TEST(GrpcServerTest, AddressesThatCannotBeListenedOnAreNamed) {
  GrpcTestServer server;
  const auto refused =
      GrpcServer::Start({.listen = {"unix:/no/such/folder/sock"}}, server.services());
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("/no/such/folder/sock"));
  EXPECT_EQ(GrpcServer::Start({}, server.services()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace unipresence::testing
