// Commands that change something, at their edges: the order of commits, a full pipeline, fields
// that are not kept, lines that go; and lists of PBXs.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/grpc_test_server.h"
#include "tests/testing/answer.h"

namespace unipresence::testing {
namespace {

using ::testing::ElementsAre;

class GrpcCommandsTest : public ::testing::Test {
 protected:
  GrpcCommandsTest() {
    server_.AddUsers();
    root_.emplace(GrpcTestClient::LogIn(server_, "root"));
    alice_.emplace(GrpcTestClient::LogIn(server_, "alice"));
  }

  static v1::User NewUser(const std::string& id, const std::string& exten) {
    v1::User user;
    user.set_id(id);
    user.set_exten(exten);
    user.set_context("default");
    user.set_line_type(v1::LINE_TYPE_UNIQUE_ACCOUNT);
    user.set_password("long enough");
    for (const v1::LineKind kind : {v1::LINE_KIND_WEBRTC, v1::LINE_KIND_DESKPHONE}) {
      v1::Line& line = *user.add_lines();
      line.set_kind(kind);
      line.set_pbx("main");
    }
    return user;
  }
  std::pair<grpc::Status, v1::User> Create(const v1::User& user) {
    v1::CreateUserRequest request;
    *request.mutable_user() = user;
    return root_->Call<v1::ProvisioningService>(&v1::ProvisioningService::Stub::CreateUser,
                                                request);
  }
  std::pair<grpc::Status, v1::User> Update(const v1::User& user,
                                           const std::vector<std::string>& mask = {}) {
    v1::UpdateUserRequest request;
    *request.mutable_user() = user;
    for (const std::string& path : mask) request.mutable_update_mask()->add_paths(path);
    return root_->Call<v1::ProvisioningService>(&v1::ProvisioningService::Stub::UpdateUser,
                                                request);
  }
  grpc::Status Delete(const std::string& user) {
    v1::DeleteUserRequest request;
    request.set_user(user);
    return root_->Call<v1::ProvisioningService>(&v1::ProvisioningService::Stub::DeleteUser, request)
        .first;
  }
  StoredUser Stored(const std::string& id) {
    Answer<absl::StatusOr<StoredUser>> answer;
    EXPECT_TRUE(server_.store()
                    .Call<StoredUser>([id](Transaction& t) { return t.users.Get(id); }, answer)
                    .ok());
    return *answer.Wait();
  }

  GrpcTestServer server_;
  std::optional<GrpcTestClient> root_;
  std::optional<GrpcTestClient> alice_;
};

TEST_F(GrpcCommandsTest, TheEngineAppliesSelectionsInTheOrderOfTheirCommits) {
  for (int round = 0; round < 30; ++round) {
    std::vector<std::thread> clients;
    for (int c = 0; c < 4; ++c) {
      clients.emplace_back([this, c] {
        for (int i = 0; i < 5; ++i) {
          const auto device = (i + c) % 2 == 0 ? v1::LINE_KIND_DESKPHONE : v1::LINE_KIND_WEBRTC;
          EXPECT_TRUE(alice_->SelectDevice(device).first.ok());
        }
      });
    }
    for (std::thread& client : clients) client.join();
    const v1::LineKind applied = alice_->GetPresence().second.selected_device();
    EXPECT_EQ(applied, *Stored("alice").settings.selected_device == LineKind::kDeskphone
                           ? v1::LINE_KIND_DESKPHONE
                           : v1::LINE_KIND_WEBRTC);
  }
}

TEST_F(GrpcCommandsTest, ACommittedSelectionIsAppliedThoughThePipelineIsFull) {
  Moment release;
  const absl::Status refused = server_.store().Submit(
      [release](Transaction&) {
        release.Wait();
        return absl::OkStatus();
      },
      [](const absl::Status&) {});
  ASSERT_TRUE(refused.ok()) << refused;
  while (server_.store().probe().queue_depth.value() > 0) std::this_thread::yield();
  std::thread client(
      [this] { EXPECT_TRUE(alice_->SelectDevice(v1::LINE_KIND_DESKPHONE).first.ok()); });
  while (server_.store().probe().queue_depth.value() == 0) std::this_thread::yield();
  // The selection waits for its commit. When it is done the pipeline has no room for a while.
  server_.thread().RefusePosts(true);
  release.Reach();
  while (server_.thread().refused() == 0) std::this_thread::yield();
  server_.thread().RefusePosts(false);
  server_.Expire();  // a tick of the pipeline offers it again
  client.join();
  EXPECT_EQ(alice_->GetPresence().second.selected_device(), v1::LINE_KIND_DESKPHONE);
}

TEST_F(GrpcCommandsTest, WhatIsNotRightIsRefusedWithAReason) {
  const auto reason = [&](const v1::User& user) { return ReasonOf(Create(user).first); };
  v1::User user = NewUser("erin", "105");
  user.clear_exten();
  EXPECT_EQ(reason(user), v1::ERROR_REASON_FIELD_REQUIRED);
  user = NewUser("erin", "105");
  user.clear_context();
  EXPECT_EQ(reason(user), v1::ERROR_REASON_FIELD_REQUIRED);
  EXPECT_EQ(reason(NewUser("", "105")), v1::ERROR_REASON_FIELD_REQUIRED);
  EXPECT_EQ(reason(NewUser("er in", "105")), v1::ERROR_REASON_FIELD_INVALID);
  user = NewUser("erin", "105");
  user.set_password("short");
  EXPECT_EQ(reason(user), v1::ERROR_REASON_FIELD_INVALID);
  user = NewUser("erin", "105");
  user.set_line_type(v1::LINE_TYPE_SIP);
  EXPECT_EQ(reason(user), v1::ERROR_REASON_LINES_DO_NOT_FIT);
  user = NewUser("erin", "105");
  user.clear_line_type();
  EXPECT_EQ(reason(user), v1::ERROR_REASON_FIELD_REQUIRED);
  user = NewUser("erin", "105");
  user.mutable_lines(0)->set_pbx("nowhere");
  EXPECT_EQ(reason(user), v1::ERROR_REASON_PBX_NOT_FOUND);
  // What the server does not keep is not swallowed, but defaults may be said.
  user = NewUser("erin", "105");
  user.set_email("erin@example.org");
  EXPECT_EQ(reason(user), v1::ERROR_REASON_FIELD_INVALID);
  for (const std::uint32_t seconds : {0u, 7u, 305u, 65'536u + 30u}) {
    user = NewUser("erin", "105");
    user.set_ring_seconds(seconds);
    EXPECT_EQ(reason(user), v1::ERROR_REASON_FIELD_INVALID) << seconds;
  }
  user = NewUser("erin", "105");
  user.mutable_voicemail()->set_email("erin@example.org");
  EXPECT_EQ(reason(user), v1::ERROR_REASON_FIELD_REQUIRED);
  user.mutable_voicemail()->set_number("1x");
  EXPECT_EQ(reason(user), v1::ERROR_REASON_FIELD_INVALID);
  user = NewUser("erin", "105");
  user.mutable_lines(0)->set_sip_secret("has a blank");
  EXPECT_EQ(reason(user), v1::ERROR_REASON_FIELD_INVALID);
  user = NewUser("erin", "105");
  user.set_enabled(true);
  user.set_simultaneous_calls(5);
  EXPECT_TRUE(Create(user).first.ok());
}

TEST_F(GrpcCommandsTest, RingTimeAndVoicemailAreKeptAndChanged) {
  v1::User user = NewUser("erin", "105");
  v1::Voicemail& box = *user.mutable_voicemail();
  box.set_number("105");
  box.set_password("4711");
  const auto [status, created] = Create(user);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(created.ring_seconds(), 30u);
  EXPECT_EQ(created.voicemail().number(), "105");
  EXPECT_EQ(created.voicemail().context(), "default");
  EXPECT_EQ(created.voicemail().password(), "");
  EXPECT_EQ(Stored("erin").user.voicemail->password, "4711");

  v1::User change = created;
  change.set_ring_seconds(45);
  change.mutable_voicemail()->set_email("erin@example.org");
  ASSERT_TRUE(Update(change, {"ring_seconds", "voicemail"}).first.ok());
  const Voicemail expected = {.number = "105", .password = "4711", .email = "erin@example.org"};
  EXPECT_EQ(Stored("erin").user.voicemail, expected);  // with the password that was not sent
  EXPECT_EQ(Stored("erin").user.ring_seconds, 45);
  server_.Run([](Core& core) {
    EXPECT_TRUE(core.engine.routing_backlog().Read(core.engine.pbxs().Add("main", "127.0.0.1:5038"),
                                                   "erin", [](const Routing& routing, bool) {
                                                     EXPECT_EQ(routing.ring_seconds, 45);
                                                     EXPECT_EQ(routing.mailbox, "105");
                                                   }));
  });

  v1::User other = NewUser("fred", "106");
  other.mutable_voicemail()->set_number("105");
  const grpc::Status taken = Create(other).first;
  EXPECT_EQ(ReasonOf(taken), v1::ERROR_REASON_MAILBOX_TAKEN);
  EXPECT_EQ(DetailOf(taken).metadata().at("user"), "erin");

  change.clear_etag();
  change.clear_voicemail();
  change.clear_ring_seconds();
  ASSERT_TRUE(Update(change, {"ring_seconds", "voicemail"}).first.ok());
  EXPECT_EQ(Stored("erin").user.voicemail, std::nullopt);
  EXPECT_EQ(Stored("erin").user.ring_seconds, 30);
  EXPECT_TRUE(Create(other).first.ok());
}

TEST_F(GrpcCommandsTest, SipAccountsAreMadeKeptAndShownToWhomTheyConcern) {
  v1::User user = NewUser("erin", "105");
  const auto [status, created] = Create(user);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(created.lines(0).sip_username(), "erin");
  EXPECT_EQ(created.lines(1).sip_username(), "erin_w");
  EXPECT_EQ(created.lines(0).sip_secret(), "");
  const std::vector<Line> made = Stored("erin").user.lines;
  EXPECT_GE(made[0].sip_secret.size(), 20u);
  EXPECT_NE(made[0].sip_secret, made[1].sip_secret);

  const auto secret_for = [](const GrpcTestClient& client) {
    v1::GetUserRequest request;
    request.set_user("erin");
    const v1::User got =
        client.Call<v1::ProvisioningService>(&v1::ProvisioningService::Stub::GetUser, request)
            .second;
    return got.lines_size() == 0 ? std::string() : got.lines(0).sip_secret();
  };
  EXPECT_EQ(secret_for(*root_), made[0].sip_secret);
  GrpcTestClient erin(server_);
  const auto session = erin.CreateSession("erin", "long enough");
  ASSERT_TRUE(session.first.ok()) << session.first.error_message();
  EXPECT_EQ(secret_for(GrpcTestClient(server_, session.second.token())), made[0].sip_secret);
  EXPECT_EQ(secret_for(*alice_), "");
  const auto listed = root_->Call<v1::ProvisioningService>(
      &v1::ProvisioningService::Stub::ListUsers, v1::ListUsersRequest());
  EXPECT_EQ(listed.second.SerializeAsString().find(made[0].sip_secret), std::string::npos);

  // Who reads the user and sends it back changes nothing; another device is another account.
  v1::User change = created;
  ASSERT_TRUE(Update(change, {"lines"}).first.ok());
  EXPECT_EQ(Stored("erin").user.lines, made);
  change.mutable_lines(0)->set_device("PJSIP/phone7");
  change.mutable_lines(0)->clear_sip_username();
  change.mutable_lines(1)->set_sip_secret("chosen-by-hand");
  ASSERT_TRUE(Update(change, {"lines"}).first.ok());
  const std::vector<Line> changed = Stored("erin").user.lines;
  EXPECT_EQ(changed[0].sip_username, "phone7");
  EXPECT_FALSE(changed[0].sip_secret.empty());
  EXPECT_NE(changed[0].sip_secret, made[0].sip_secret);
  EXPECT_EQ(changed[1].sip_secret, "chosen-by-hand");
}

TEST_F(GrpcCommandsTest, AnAccountThatIsMadeInAsteriskIsNotKeptHere) {
  v1::User user = NewUser("erin", "105");
  v1::Line& line = *user.mutable_lines(1);  // the deskphone
  line.set_no_sip_account(true);
  line.set_device("PJSIP/erin");
  line.set_sip_username("erin");
  EXPECT_EQ(ReasonOf(Create(user).first), v1::ERROR_REASON_FIELD_INVALID);
  line.clear_sip_username();
  line.clear_device();
  EXPECT_EQ(ReasonOf(Create(user).first), v1::ERROR_REASON_FIELD_REQUIRED);
  line.set_device("PJSIP/erin");
  const auto [status, created] = Create(user);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(created.lines(0).no_sip_account());
  EXPECT_FALSE(created.lines(1).no_sip_account());
  EXPECT_EQ(Stored("erin").user.lines[0].sip_username, "");
  EXPECT_EQ(Stored("erin").user.lines[0].sip_secret, "");

  // One that is kept here can be given away.
  v1::User change = created;
  change.mutable_lines(1)->set_no_sip_account(true);
  change.mutable_lines(1)->clear_sip_username();
  ASSERT_TRUE(Update(change, {"lines"}).first.ok());
  EXPECT_EQ(Stored("erin").user.lines[1].sip_secret, "");
}

// A line of the users file without an account: it is Asterisk's own affair, and stays so.
TEST_F(GrpcCommandsTest, ALineWithoutAnAccountGetsNoneByAnUpdate) {
  const std::vector<Line> before = Stored("alice").user.lines;
  ASSERT_EQ(before[0].sip_username, "");
  v1::GetUserRequest request;
  request.set_user("alice");
  const v1::User user =
      root_->Call<v1::ProvisioningService>(&v1::ProvisioningService::Stub::GetUser, request).second;
  ASSERT_TRUE(Update(user, {"lines"}).first.ok());
  EXPECT_EQ(Stored("alice").user.lines, before);
}

TEST_F(GrpcCommandsTest, LinesFollowTheUpdate) {
  EXPECT_TRUE(alice_->SelectDevice(v1::LINE_KIND_DESKPHONE).first.ok());
  v1::User change;
  change.set_id("alice");
  change.set_line_type(v1::LINE_TYPE_WEBRTC);
  v1::Line& line = *change.add_lines();
  line.set_kind(v1::LINE_KIND_WEBRTC);
  line.set_pbx("main");
  const auto [status, user] = Update(change);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const v1::Presence presence = alice_->GetPresence().second;
  ASSERT_EQ(presence.lines_size(), 1);
  EXPECT_EQ(presence.rule(), v1::RULE_SINGLE_LINE);
  // Back to both: the forgotten choice is the default again, here and in the store.
  change = NewUser("alice", "101");
  change.clear_password();
  EXPECT_TRUE(Update(change).first.ok());
  EXPECT_EQ(alice_->GetPresence().second.selected_device(), v1::LINE_KIND_WEBRTC);
}

TEST_F(GrpcCommandsTest, ADeletedUserIsGoneWithHisSessions) {
  GrpcTestWatch watch(*root_);
  GrpcTestWatch own(*alice_);
  ASSERT_TRUE(watch.ReadUntilCurrent());
  ASSERT_TRUE(own.ReadUntilCurrent());
  ASSERT_TRUE(Delete("alice").ok());
  while (watch.removed().empty()) ASSERT_TRUE(watch.Read());
  EXPECT_THAT(watch.removed(), ElementsAre("alice"));
  EXPECT_EQ(ReasonOf(own.Finish()), v1::ERROR_REASON_SESSION_EXPIRED);
  EXPECT_EQ(ReasonOf(alice_->GetPresence().first), v1::ERROR_REASON_SESSION_EXPIRED);
  EXPECT_EQ(ReasonOf(root_->GetPresence("alice").first), v1::ERROR_REASON_USER_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Delete("alice")), v1::ERROR_REASON_USER_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Delete("")), v1::ERROR_REASON_FIELD_REQUIRED);
  // The id may be used again, and the new user has nothing of the old one.
  ASSERT_TRUE(Create(NewUser("alice", "101")).first.ok());
  EXPECT_FALSE(root_->GetPresence("alice").second.logged_in());
}

TEST_F(GrpcCommandsTest, PbxsAndTheServer) {
  server_.Run([](Core& core) {
    core.engine.pbxs().Add("second", "192.0.2.1:5038");
    const PbxIndex main = core.engine.pbxs().Add("main", "127.0.0.1:5038");
    core.engine.LinkLost(main, "connection refused");
    core.engine.pbxs().facts(main) = {.phase = LinkPhase::kRefused,
                                      .tls = true,
                                      .last_error_time = 1'000'000,
                                      .messages = 12,
                                      .skipped_messages = 3,
                                      .list_errors = {"CoreShowChannels: Permission denied"},
                                      .write_unanswered_since = 2'000'000};
    while (core.engine.Sweep(100)) {
    }
  });
  v1::ListPbxsRequest list;
  list.set_page_size(1);
  const auto first =
      alice_->Call<v1::AdministrationService>(&v1::AdministrationService::Stub::ListPbxs, list);
  ASSERT_TRUE(first.first.ok()) << first.first.error_message();
  ASSERT_EQ(first.second.pbxs_size(), 1);
  const v1::Pbx& main = first.second.pbxs(0);
  EXPECT_EQ(main.name(), "main");
  EXPECT_EQ(main.address(), "127.0.0.1:5038");
  EXPECT_EQ(main.link_state(), v1::PBX_LINK_STATE_REFUSED);
  EXPECT_TRUE(main.tls());
  EXPECT_EQ(main.last_error_time().seconds(), 1);
  EXPECT_EQ(main.message_count(), 12u);
  EXPECT_EQ(main.skipped_message_count(), 3u);
  EXPECT_THAT(main.list_errors(), ::testing::ElementsAre("CoreShowChannels: Permission denied"));
  EXPECT_EQ(main.write_unanswered_time().seconds(), 2);
  EXPECT_EQ(main.asterisk_version(), "22.10.0");
  EXPECT_EQ(main.last_error(), "connection refused");
  EXPECT_EQ(main.user_count(), 5u);
  EXPECT_EQ(main.stale_user_count(), 5u);
  list.set_page_token(first.second.next_page_token());
  const auto second =
      alice_->Call<v1::AdministrationService>(&v1::AdministrationService::Stub::ListPbxs, list);
  ASSERT_EQ(second.second.pbxs_size(), 1);
  EXPECT_EQ(second.second.pbxs(0).name(), "second");
  EXPECT_EQ(second.second.pbxs(0).user_count(), 0u);
  EXPECT_EQ(second.second.pbxs(0).link_state(), v1::PBX_LINK_STATE_DISCONNECTED);
  EXPECT_FALSE(second.second.pbxs(0).has_write_unanswered_time());
  EXPECT_TRUE(second.second.next_page_token().empty());

  v1::GetPbxRequest get;
  get.set_pbx("main");
  EXPECT_EQ(alice_->Call<v1::AdministrationService>(&v1::AdministrationService::Stub::GetPbx, get)
                .second.SerializeAsString(),
            main.SerializeAsString());
  get.set_pbx("nowhere");
  EXPECT_EQ(
      ReasonOf(
          alice_->Call<v1::AdministrationService>(&v1::AdministrationService::Stub::GetPbx, get)
              .first),
      v1::ERROR_REASON_PBX_NOT_FOUND);

  GrpcTestWatch watch(*alice_);
  ASSERT_TRUE(watch.ReadUntilCurrent());
  server_.server().SetServing(true, true);
  server_.clock().Advance(std::chrono::seconds(5));
  const v1::ServerStatus status =
      alice_
          ->Call<v1::AdministrationService>(&v1::AdministrationService::Stub::GetServerStatus,
                                            v1::GetServerStatusRequest())
          .second;
  EXPECT_EQ(status.version(), "1.2.3");
  EXPECT_EQ(status.epoch(), GrpcTestServer::kEpoch);
  EXPECT_EQ(status.sequence(), server_.sequence());
  EXPECT_EQ(status.uptime().seconds(), 5);
  EXPECT_EQ(status.user_count(), 5u);
  EXPECT_EQ(status.stale_user_count(), 5u);
  EXPECT_EQ(status.logged_in_user_count(), 2u);
  EXPECT_EQ(status.session_count(), 2u);
  EXPECT_EQ(status.watch_stream_count(), 1u);
  EXPECT_EQ(status.pbx_count(), 2u);
  EXPECT_EQ(status.ready_pbx_count(), 0u);
  EXPECT_TRUE(status.store_writable());
  EXPECT_TRUE(status.ready());
}

}  // namespace
}  // namespace unipresence::testing
