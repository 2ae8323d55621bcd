#include "aggregator/publish/snapshot_responder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "aggregator/publish/decoder.h"
#include "tests/testing/fake_presence_table.h"

namespace unipresence::publish {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::unipresence::testing::FakePresenceTable;

std::string Name(int i) { return "user" + std::to_string(i); }

class SnapshotResponderTest : public ::testing::Test {
 protected:
  void AddUsers(int count) {
    for (int i = 0; i < count; ++i) table_.Set(Name(i), PresenceState::kAvailable);
  }

  v1::SnapshotReply Ask(const v1::SnapshotRequest& request) {
    responder_.Begin(request.SerializeAsString());
    return Finish();
  }

  v1::SnapshotReply Finish() {
    std::size_t budget = 1'000'000;
    EXPECT_TRUE(responder_.Work(budget));
    v1::SnapshotReply reply;
    EXPECT_TRUE(reply.ParseFromArray(responder_.reply().data(),
                                     static_cast<int>(responder_.reply().size())));
    EXPECT_EQ(responder_.is_page(), !reply.has_error());
    return reply;
  }

  // Pulls page after page; the users in order of arrival.
  std::vector<std::string> PullAll(v1::SnapshotRequest request) {
    std::vector<std::string> users;
    for (int page = 0; page < 10'000; ++page) {
      const v1::SnapshotReply reply = Ask(request);
      EXPECT_FALSE(reply.has_error()) << reply.error().message();
      for (const v1::Presence& presence : reply.presences()) users.push_back(presence.user());
      if (reply.next_page_token().empty()) return users;
      request.set_page_token(reply.next_page_token());
    }
    ADD_FAILURE() << "the pages do not end";
    return users;
  }

  FakePresenceTable table_{42};
  SnapshotResponder responder_{table_};
};

TEST_F(SnapshotResponderTest, AnEmptyTableIsOneEmptyPage) {
  v1::SnapshotRequest request;
  request.set_request_id(7);
  const v1::SnapshotReply reply = Ask(request);
  EXPECT_EQ(reply.request_id(), 7u);
  EXPECT_EQ(reply.epoch(), 42u);
  EXPECT_EQ(reply.sequence(), 0u);
  EXPECT_THAT(reply.presences(), IsEmpty());
  EXPECT_THAT(reply.next_page_token(), IsEmpty());
  EXPECT_FALSE(reply.has_error());
}

TEST_F(SnapshotResponderTest, PagesNameEachUserOnceWithItsValue) {
  AddUsers(1000);
  v1::SnapshotRequest request;
  request.set_max_bytes(4096);
  std::map<std::string, PresenceValue> pulled;
  int pages = 0;
  do {
    const v1::SnapshotReply reply = Ask(request);
    EXPECT_LE(reply.ByteSizeLong(), 4096u + 16 * 150);
    EXPECT_EQ(reply.sequence(), 1000u);
    for (const v1::Presence& presence : reply.presences()) {
      EXPECT_TRUE(ReadPresence(presence.SerializeAsString(), pulled[presence.user()]));
    }
    request.set_page_token(reply.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pulled, table_.values());
  EXPECT_GT(pages, 10);
}

TEST_F(SnapshotResponderTest, AListIsAnsweredInItsOrderWithWhatIsUnknown) {
  AddUsers(3);
  v1::SnapshotRequest request;
  for (const char* user : {"user2", "nobody", "user0", "", "user2"}) request.add_users(user);
  const v1::SnapshotReply reply = Ask(request);
  std::vector<std::string> users;
  for (const v1::Presence& presence : reply.presences()) users.push_back(presence.user());
  EXPECT_THAT(users, ElementsAre("user2", "user0", "user2"));
  EXPECT_THAT(reply.unknown_users(), ElementsAre("nobody", ""));
}

TEST_F(SnapshotResponderTest, ALongListIsPagedToo) {
  AddUsers(5000);
  v1::SnapshotRequest request;
  request.set_max_bytes(4096);
  std::vector<std::string> wanted;
  for (int i = 0; i < 10'000; i += 2) wanted.push_back(Name(i));
  for (const std::string& user : wanted) request.add_users(user);
  const std::vector<std::string> users = PullAll(request);
  EXPECT_THAT(users, SizeIs(2500));
  EXPECT_EQ(std::set<std::string>(users.begin(), users.end()).size(), 2500u);
}

TEST_F(SnapshotResponderTest, WorksInSlices) {
  AddUsers(1000);
  responder_.Begin(v1::SnapshotRequest().SerializeAsString());
  int slices = 0;
  for (bool done = false; !done; ++slices) {
    std::size_t budget = 100;
    done = responder_.Work(budget);
  }
  EXPECT_GE(slices, 10);
  EXPECT_EQ(responder_.users(), 1000u);
}

TEST_F(SnapshotResponderTest, TheSequenceIsThatOfTheBeginningOfThePage) {
  AddUsers(1000);
  responder_.Begin(v1::SnapshotRequest().SerializeAsString());
  std::size_t budget = 100;
  EXPECT_FALSE(responder_.Work(budget));
  table_.Set(Name(1), PresenceState::kBusy);    // read before
  table_.Set(Name(999), PresenceState::kBusy);  // read after
  const v1::SnapshotReply reply = Finish();
  EXPECT_EQ(reply.sequence(), 1000u);
  EXPECT_EQ(reply.presences(1).state(), v1::PRESENCE_STATE_AVAILABLE);
  EXPECT_EQ(reply.presences(999).state(), v1::PRESENCE_STATE_BUSY);
}

TEST_F(SnapshotResponderTest, SizesAreClamped) {
  AddUsers(20'000);
  v1::SnapshotRequest request;
  EXPECT_NEAR(static_cast<double>(Ask(request).ByteSizeLong()), 256 << 10, 4096);
  request.set_max_bytes(1);
  EXPECT_NEAR(static_cast<double>(Ask(request).ByteSizeLong()), 4 << 10, 4096);
  request.set_max_bytes(~0u);
  EXPECT_NEAR(static_cast<double>(Ask(request).ByteSizeLong()), 1 << 20, 4096);
}

TEST_F(SnapshotResponderTest, RefusesWithAReason) {
  AddUsers(1000);
  v1::SnapshotRequest small;
  small.set_max_bytes(4096);
  const std::string token = Ask(small).next_page_token();
  ASSERT_FALSE(token.empty());
  std::string token_of_other_epoch = token;
  token_of_other_epoch[0] ^= 1;

  v1::SnapshotRequest too_many;
  for (int i = 0; i <= 10'000; ++i) too_many.add_users("x");
  v1::SnapshotRequest bad_token;
  bad_token.set_page_token("garbage");
  v1::SnapshotRequest other_epoch;
  other_epoch.set_page_token(token_of_other_epoch);
  v1::SnapshotRequest token_for_a_list;
  token_for_a_list.set_page_token(token);
  token_for_a_list.add_users("user1");
  const struct {
    const char* name;
    v1::SnapshotRequest request;
    v1::ErrorReason reason;
  } rows[] = {
      {"10,001 users", too_many, v1::ERROR_REASON_TOO_MANY_ITEMS},
      {"no token of ours", bad_token, v1::ERROR_REASON_PAGE_TOKEN_INVALID},
      {"a token of another epoch", other_epoch, v1::ERROR_REASON_PAGE_TOKEN_INVALID},
      {"a token of another list", token_for_a_list, v1::ERROR_REASON_PAGE_TOKEN_INVALID},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    v1::SnapshotRequest request = row.request;
    request.set_request_id(5);
    const v1::SnapshotReply reply = Ask(request);
    EXPECT_EQ(reply.error().reason(), row.reason);
    EXPECT_FALSE(reply.error().message().empty());
    EXPECT_EQ(reply.request_id(), 5u);
    EXPECT_EQ(reply.epoch(), 42u);
    EXPECT_THAT(reply.presences(), IsEmpty());
  }
  responder_.Begin("\xff\xff\xff");
  EXPECT_EQ(Finish().error().reason(), v1::ERROR_REASON_FIELD_INVALID);
  responder_.BeginMalformed("two frames");
  EXPECT_EQ(Finish().error().message(), "two frames");
  // And goes on answering.
  EXPECT_THAT(PullAll(v1::SnapshotRequest()), SizeIs(1000));
}

TEST_F(SnapshotResponderTest, AForgedCursorIsHarmless) {
  AddUsers(100);
  v1::SnapshotRequest small;
  small.set_max_bytes(4096);
  std::string token = Ask(small).next_page_token();
  for (std::size_t i = 8; i < 16; ++i) token[i] = '\x7f';
  v1::SnapshotRequest request;
  request.set_page_token(token);
  const v1::SnapshotReply reply = Ask(request);
  EXPECT_THAT(reply.presences(), IsEmpty());
  EXPECT_THAT(reply.next_page_token(), IsEmpty());
}

RC_GTEST_PROP(SnapshotResponderProperty, AnyBytesAreAnswered, (const std::string& bytes)) {
  FakePresenceTable table{42};
  table.Set("alice", PresenceState::kAvailable);
  SnapshotResponder responder(table);
  responder.Begin(bytes);
  std::size_t budget = 100'000;
  RC_ASSERT(responder.Work(budget));
  v1::SnapshotReply reply;
  RC_ASSERT(
      reply.ParseFromArray(responder.reply().data(), static_cast<int>(responder.reply().size())));
  RC_ASSERT(reply.epoch() == 42u);
}

}  // namespace
}  // namespace unipresence::publish
