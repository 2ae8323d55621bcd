// Voicemail boxes over a real gRPC connection: GetMailbox, and the mailboxes of WatchPresences.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "aggregator/publish/codec.h"
#include "tests/integration/grpc_test_server.h"
#include "tests/testing/users.h"

namespace unipresence::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class GrpcMailboxTest : public ::testing::Test {
 protected:
  GrpcMailboxTest() {
    server_.AddUsers();
    // alice, bob and root have boxes; carol and dave have none.
    for (const auto& [id, exten] :
         {std::pair("alice", "101"), std::pair("bob", "102"), std::pair("root", "100")}) {
      SetBox(id, exten, exten);
    }
    root_.emplace(GrpcTestClient::LogIn(server_, "root", v1::SESSION_KIND_CLIENT));
    alice_.emplace(GrpcTestClient::LogIn(server_, "alice", v1::SESSION_KIND_CLIENT));
  }

  void SetBox(const std::string& id, const std::string& exten, const std::string& number) {
    User user = UniqueAccount(id, exten);
    if (!number.empty()) {
      user.voicemail.emplace();
      user.voicemail->number = number;
    }
    server_.Run([&](Core& core) { EXPECT_TRUE(core.engine.UpdateUser(user).ok()); });
  }

  static std::pair<grpc::Status, v1::Mailbox> Get(const GrpcTestClient& client,
                                                  const std::string& user = {}) {
    v1::GetMailboxRequest request;
    request.set_user(user);
    return client.Call<v1::VoicemailService>(&v1::VoicemailService::Stub::GetMailbox, request);
  }

  // What the engine says now of every box.
  std::map<std::string, std::string> Truth() {
    std::map<std::string, std::string> truth;
    server_.Run([&](Core& core) {
      core.engine.mailboxes().Read(0, 0, 1'000'000, [&](const Mailbox& mailbox) {
        v1::Mailbox box;
        publish::ToProto(mailbox, box);
        truth[box.user()] = box.SerializeAsString();
      });
    });
    return truth;
  }
  static std::map<std::string, std::string> Held(const GrpcTestWatch& watch) {
    std::map<std::string, std::string> held;
    for (const auto& [user, box] : watch.mailboxes()) held[user] = box.SerializeAsString();
    return held;
  }
  // Reads until that user's box has so many new messages.
  static void ReadUntil(GrpcTestWatch& watch, const std::string& user, std::uint32_t count) {
    while (!watch.mailboxes().contains(user) ||
           watch.mailboxes().at(user).new_message_count() != count) {
      ASSERT_TRUE(watch.Read()) << "the stream ended";
    }
  }
  static std::vector<std::string> Users(const GrpcTestWatch& watch) {
    std::vector<std::string> users;
    for (const auto& [user, box] : watch.mailboxes()) users.push_back(user);
    return users;
  }

  GrpcTestServer server_;
  std::optional<GrpcTestClient> root_;
  std::optional<GrpcTestClient> alice_;
};

TEST_F(GrpcMailboxTest, AUserReadsHisOwnBoxAndAnAdministratorAll) {
  server_.ChangeMailbox("101@default", {2, 1});
  const auto [status, box] = Get(*alice_);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(box.user(), "alice");
  EXPECT_EQ(box.mailbox(), "101@default");
  EXPECT_EQ(box.pbx(), "main");
  EXPECT_EQ(box.new_message_count(), 2u);
  EXPECT_EQ(box.old_message_count(), 1u);
  EXPECT_FALSE(box.stale());
  EXPECT_TRUE(box.has_update_time());
  EXPECT_EQ(Get(*root_, "alice").second.SerializeAsString(), box.SerializeAsString());

  const v1::Mailbox unread = Get(*root_, "bob").second;
  EXPECT_TRUE(unread.stale()) << "nothing was heard of it yet";
  EXPECT_FALSE(unread.has_update_time());

  EXPECT_EQ(ReasonOf(Get(*alice_, "bob").first), v1::ERROR_REASON_NOT_OWN_USER);
  EXPECT_EQ(ReasonOf(Get(*root_, "carol").first), v1::ERROR_REASON_MAILBOX_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Get(*root_, "nobody").first), v1::ERROR_REASON_USER_NOT_FOUND);
}

TEST_F(GrpcMailboxTest, AStreamBeginsWithTheBoxesThatItsUserMayRead) {
  server_.ChangeMailbox("101@default", {2, 1});
  GrpcTestWatch all(*root_, {}, {}, true);
  GrpcTestWatch some(*root_, {"bob", "carol", "nobody"}, {}, true);
  GrpcTestWatch own(*alice_, {}, {}, true);
  GrpcTestWatch not_own(*alice_, {"bob"}, {}, true);
  GrpcTestWatch none(*root_);
  for (GrpcTestWatch* watch : {&all, &some, &own, &not_own, &none}) {
    ASSERT_TRUE(watch->ReadUntilCurrent());
  }
  EXPECT_THAT(Users(all), ElementsAre("alice", "bob", "root"));
  EXPECT_EQ(Held(all), Truth());
  EXPECT_THAT(Users(some), ElementsAre("bob"));
  EXPECT_THAT(Users(own), ElementsAre("alice"));
  EXPECT_THAT(Users(not_own), IsEmpty());
  EXPECT_THAT(Users(none), IsEmpty());
  EXPECT_EQ(all.held().size(), 5u) << "the presences come as ever";

  server_.ChangeMailbox("102@default", {1, 0});
  server_.ChangeMailbox("101@default", {3, 1});
  ReadUntil(all, "alice", 3);
  ReadUntil(some, "bob", 1);
  ReadUntil(own, "alice", 3);
  EXPECT_EQ(Held(all), Truth());
  EXPECT_THAT(Users(own), ElementsAre("alice"));
  SetBox("bob", "102", "");
  server_.ChangeMailbox("101@default", {0, 4});
  ReadUntil(all, "alice", 0);
  EXPECT_THAT(Users(all), ElementsAre("alice", "root")) << "the box is gone";
}

TEST_F(GrpcMailboxTest, NothingIsEncodedForNobody) {
  EXPECT_FALSE(server_.batches().mailboxes_wanted());
  {
    GrpcTestWatch without(*root_);
    ASSERT_TRUE(without.ReadUntilCurrent());
    EXPECT_FALSE(server_.batches().mailboxes_wanted());
    server_.ChangeMailbox("101@default", {2, 1});
    GrpcTestWatch with(*root_, {}, {}, true);
    ASSERT_TRUE(with.ReadUntilCurrent());
    EXPECT_TRUE(server_.batches().mailboxes_wanted());
    EXPECT_EQ(Held(with), Truth());
  }
  while (server_.batches().mailboxes_wanted()) server_.clock().Advance(std::chrono::seconds(1));
}

TEST_F(GrpcMailboxTest, AResumedStreamBeginsWithAllBoxesAndOnlyTheMissedPresences) {
  GrpcTestWatch first(*root_, {}, {}, true);
  ASSERT_TRUE(first.ReadUntilCurrent());
  server_.ChangeMailbox("101@default", {2, 1});
  server_.Change("PJSIP/dave", DeviceState::kInUse);
  GrpcTestWatch resumed(*root_, {}, first.resume_token(), true);
  ASSERT_TRUE(resumed.ReadUntilCurrent());
  EXPECT_EQ(resumed.resets(), 0);
  EXPECT_EQ(Held(resumed), Truth());
  EXPECT_EQ(resumed.held().size(), 1u);
  EXPECT_EQ(resumed.held().count("dave"), 1u);
  GrpcTestWatch own(*alice_, {}, first.resume_token(), true);
  ASSERT_TRUE(own.ReadUntilCurrent());
  EXPECT_THAT(Users(own), ElementsAre("alice"));
  EXPECT_EQ(own.held().size(), 1u);
}

TEST_F(GrpcMailboxTest, WhateverHappensClientsHoldWhatTheEngineSays) {
  constexpr int kUsers = 300;
  for (int i = 0; i < kUsers; ++i) {
    User user = UniqueAccount(i);
    user.voicemail.emplace();
    user.voicemail->number = user.exten;
    server_.Run([&](Core& core) { EXPECT_TRUE(core.engine.AddUser(user, {}).ok()); });
  }
  const std::vector<std::string> watched = {"user1", "user2", "user299", "alice"};
  GrpcTestWatch early(*root_, {}, {}, true);
  std::mt19937 random(7);
  std::vector<std::unique_ptr<GrpcTestWatch>> streams;
  for (int turn = 0; turn < 2'000; ++turn) {
    const int i = static_cast<int>(random() % kUsers);
    server_.ChangeMailbox(UniqueAccount(i).exten + "@default",
                          {static_cast<std::uint32_t>(turn), 0});
    if (turn % 10 == 0)
      server_.Change("PJSIP/user1", turn % 20 == 0 ? DeviceState::kInUse : DeviceState::kNotInUse);
    if (turn % 500 != 250) continue;
    streams.push_back(
        std::make_unique<GrpcTestWatch>(*root_, std::vector<std::string>(), std::string(), true));
    streams.push_back(std::make_unique<GrpcTestWatch>(*root_, watched, std::string(), true));
  }
  // A change that comes last: who has seen it was sent everything before.
  server_.ChangeMailbox("101@default", {9'999, 0});
  const std::map<std::string, std::string> truth = Truth();
  ReadUntil(early, "alice", 9'999);
  EXPECT_EQ(Held(early), truth);
  for (const auto& stream : streams) {
    ReadUntil(*stream, "alice", 9'999);
    // The stream's own CURRENT may be behind it.
    const std::map<std::string, std::string> held = Held(*stream);
    for (const auto& [user, box] : held) EXPECT_EQ(box, truth.at(user));
    EXPECT_GE(held.size(), watched.size());
  }
}

TEST_F(GrpcMailboxTest, AHoleMakesOnlyStreamsWithMailboxesStartOver) {
  GrpcTestWatch with(*root_, {}, {}, true);
  GrpcTestWatch without(*root_);
  ASSERT_TRUE(with.ReadUntilCurrent());
  ASSERT_TRUE(without.ReadUntilCurrent());
  server_.batches().SetMailboxesWanted(false);
  server_.ChangeMailbox("102@default", {5, 0});  // lost on its way
  server_.batches().SetMailboxesWanted(true);
  server_.ChangeMailbox("101@default", {6, 0});
  while (with.resets() == 0) ASSERT_TRUE(with.Read());
  ASSERT_TRUE(with.ReadUntilCurrent());
  EXPECT_EQ(Held(with), Truth());
  server_.Change("PJSIP/dave", DeviceState::kInUse);
  ASSERT_TRUE(without.ReadUntil("dave", v1::PRESENCE_STATE_IN_USE));
  EXPECT_EQ(without.resets(), 0);
}

}  // namespace
}  // namespace unipresence::testing
