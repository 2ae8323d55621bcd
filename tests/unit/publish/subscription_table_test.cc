#include "aggregator/publish/subscription_table.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>
#include <string>

namespace unipresence::publish {
namespace {

using namespace std::string_literals;  // NOLINT: for texts with NUL bytes
using Change = SubscriptionTable::Change;

std::string Subscribe(std::string_view topic) { return "\1"s.append(topic); }
std::string Unsubscribe(std::string_view topic) { return "\0"s.append(topic); }

struct Row {
  const char* name;
  std::string message;
  Change change;
};

TEST(SubscriptionTableTest, Messages) {
  const Row rows[] = {
      {"stream", "\1all\0"s, Change::kStream},
      {"stream again", "\1all\0"s, Change::kStream},
      {"heartbeat", "\1heartbeat\0"s, Change::kHeartbeat},
      {"user", "\1user/alice\0"s, Change::kUser},
      {"user that is gone", "\0user/alice\0"s, Change::kEnded},
      {"user that never was", "\0user/bob\0"s, Change::kUnknown},
      {"stream that is gone", "\0all\0"s, Change::kEnded},
      {"without its NUL", "\1all"s, Change::kUnknown},
      {"everything", "\1"s, Change::kUnknown},
      {"all users", "\1user/"s, Change::kUnknown},
      {"no user", "\1user/\0"s, Change::kUnknown},
      {"user without NUL", "\1user/alice"s, Change::kUnknown},
      {"user with two", "\1user/alice\0\0"s, Change::kUnknown},
      {"more than the topic", "\1all\0x"s, Change::kUnknown},
      {"another topic", "\1other\0"s, Change::kUnknown},
      {"empty", "", Change::kUnknown},
      {"no subscription at all", "hello", Change::kUnknown},
  };
  SubscriptionTable table;
  for (const Row& row : rows) EXPECT_EQ(table.Apply(row.message), row.change) << row.name;
  EXPECT_FALSE(table.stream());
  EXPECT_TRUE(table.heartbeat());
  EXPECT_EQ(table.user_count(), 0u);
}

TEST(SubscriptionTableTest, TopicsEndWithNul) {
  EXPECT_EQ(UserTopic("al"), "user/al\0"s);
  EXPECT_EQ(kStreamTopic, "all\0"s);
  EXPECT_EQ(kHeartbeatTopic, "heartbeat\0"s);
}

TEST(SubscriptionTableTest, OneLetterMoreIsAnotherUser) {
  SubscriptionTable table;
  table.Apply(Subscribe(UserTopic("al")));
  EXPECT_TRUE(table.user("al"));
  EXPECT_FALSE(table.user("alice"));
  EXPECT_FALSE(table.user("a"));
}

RC_GTEST_PROP(SubscriptionTableProperty, IsASet,
              (const std::vector<std::pair<bool, char>>& steps)) {
  SubscriptionTable table;
  std::set<std::string> model;
  for (const auto& [wanted, letter] : steps) {
    const std::string id = "u" + std::to_string(static_cast<unsigned char>(letter) % 8);
    table.Apply(wanted ? Subscribe(UserTopic(id)) : Unsubscribe(UserTopic(id)));
    if (wanted) {
      model.insert(id);
    } else {
      model.erase(id);
    }
    RC_ASSERT(table.user_count() == model.size());
    RC_ASSERT(table.any_user() == !model.empty());
    for (int i = 0; i < 8; ++i) {
      const std::string other = "u" + std::to_string(i);
      RC_ASSERT(table.user(other) == model.contains(other));
    }
  }
}

RC_GTEST_PROP(SubscriptionTableProperty, WhoWaitsIsASetOfThoseWhoAreWanted, ()) {
  SubscriptionTable table;
  std::set<std::string> wanted;
  std::set<std::string> waiting;
  const int steps = *rc::gen::inRange(0, 100);
  for (int step = 0; step < steps; ++step) {
    const std::string id = "u" + std::to_string(*rc::gen::inRange(0, 8));
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        table.Apply(Subscribe(UserTopic(id)));
        wanted.insert(id);
        break;
      case 1:
        table.Apply(Unsubscribe(UserTopic(id)));
        wanted.erase(id);
        waiting.erase(id);
        break;
      case 2:
        table.Wait(id);
        if (wanted.contains(id)) waiting.insert(id);
        break;
      default:
        if (waiting.empty()) break;
        RC_ASSERT(waiting.erase(std::string(table.waiting())) == 1u);
        table.Sent();
        break;
    }
    RC_ASSERT(table.waiting_count() == waiting.size());
    RC_ASSERT(table.user_count() == wanted.size());
    for (int i = 0; i < 8; ++i) {
      const std::string other = "u" + std::to_string(i);
      RC_ASSERT(table.waits(other) == waiting.contains(other));
    }
  }
}

RC_GTEST_PROP(SubscriptionTableProperty, ARoundNamesEveryoneWhoStays, ()) {
  SubscriptionTable table;
  std::set<std::string> staying;
  const int count = *rc::gen::inRange(0, 20);
  for (int i = 0; i < count; ++i) {
    staying.insert("u" + std::to_string(i));
    table.Apply(Subscribe(UserTopic("u" + std::to_string(i))));
  }
  table.StartRefreshRound();
  std::set<std::string> named;
  for (int steps = 0;; ++steps) {
    RC_ASSERT(steps < 1000);
    if (*rc::gen::inRange(0, 3) == 0) {
      const std::string id = "u" + std::to_string(*rc::gen::inRange(0, 30));
      if (*rc::gen::arbitrary<bool>()) {
        table.Apply(Subscribe(UserTopic(id)));
      } else {
        table.Apply(Unsubscribe(UserTopic(id)));
        staying.erase(id);
      }
    }
    const std::string_view next = table.NextToRefresh();
    if (next.empty()) break;
    RC_ASSERT(table.user(next));
    named.insert(std::string(next));
  }
  for (const std::string& id : staying) RC_ASSERT(named.contains(id));
}

}  // namespace
}  // namespace unipresence::publish
