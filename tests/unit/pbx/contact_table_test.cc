#include "aggregator/pbx/contact_table.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "fmt/format.h"

namespace unipresence::pbx {
namespace {

using Change = ContactTable::Change;

constexpr char kFirst[] = "sip:alice@192.0.2.1:5060";
constexpr char kSecond[] = "sip:alice@192.0.2.2:5060";

TEST(ContactTableTest, AMoveNeverLooksUnreachable) {
  TrackerProbe probe;
  ContactTable table(100, probe);
  EXPECT_EQ(table.Set("alice", kFirst, ContactStatus::kNonQualified), Change::kReachable);
  EXPECT_EQ(table.Set("alice", kSecond, ContactStatus::kNonQualified), Change::kNone);
  EXPECT_EQ(table.Set("alice", kFirst, ContactStatus::kRemoved), Change::kNone);
  EXPECT_TRUE(table.Reachable("alice"));
  EXPECT_EQ(table.Set("alice", kSecond, ContactStatus::kRemoved), Change::kUnreachable);
  EXPECT_FALSE(table.Reachable("alice"));
  EXPECT_EQ(table.size(), 0u);
}

TEST(ContactTableTest, AnUnreachableContactIsNotCallable) {
  TrackerProbe probe;
  ContactTable table(100, probe);
  table.Set("carol", kFirst, ContactStatus::kNonQualified);
  EXPECT_EQ(table.Set("carol", kFirst, ContactStatus::kReachable), Change::kNone);
  EXPECT_EQ(table.Set("carol", kFirst, ContactStatus::kUnreachable), Change::kUnreachable);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(table.Set("carol", kSecond, ContactStatus::kUnreachable), Change::kNone);
  EXPECT_EQ(table.Set("carol", kSecond, ContactStatus::kUnknown), Change::kReachable);
  EXPECT_EQ(table.Set("carol", kSecond, ContactStatus::kRemoved), Change::kUnreachable);
  EXPECT_EQ(table.Set("carol", kFirst, ContactStatus::kRemoved), Change::kNone);
}

TEST(ContactTableTest, RemovingWhatIsNotThereChangesNothing) {
  TrackerProbe probe;
  ContactTable table(100, probe);
  EXPECT_EQ(table.Set("alice", kFirst, ContactStatus::kRemoved), Change::kNone);
  table.Set("alice", kFirst, ContactStatus::kNonQualified);
  EXPECT_EQ(table.Set("alice_w", kFirst, ContactStatus::kRemoved), Change::kNone);
  EXPECT_TRUE(table.Reachable("alice"));
}

TEST(ContactTableTest, EscapedAndPlainUrisAreOneContact) {
  TrackerProbe probe;
  ContactTable table(100, probe);
  table.Set("alice_w", "sip:a@192.0.2.1:9;transport=ws;ob", ContactStatus::kNonQualified);
  EXPECT_EQ(table.Set("alice_w", "sip:a@192.0.2.1:9^3Btransport=ws^3Bob", ContactStatus::kRemoved),
            Change::kUnreachable);
}

TEST(ContactTableTest, AListTakesAwayWhatItDoesNotShow) {
  TrackerProbe probe;
  ContactTable table(100, probe);
  table.Set("alice", kFirst, ContactStatus::kNonQualified);
  table.Set("bob", kFirst, ContactStatus::kNonQualified);
  table.BeginList();
  table.Set("alice", kFirst, ContactStatus::kNonQualified);   // a row
  table.Set("carol", kSecond, ContactStatus::kNonQualified);  // an event meanwhile
  EXPECT_EQ(table.EndList(), 1u);
  EXPECT_TRUE(table.Reachable("alice"));
  EXPECT_FALSE(table.Reachable("bob"));
  EXPECT_TRUE(table.Reachable("carol"));
  // A list that was given up takes nothing away, nor does it spare anything from the next.
  table.BeginList();
  table.BeginList();
  table.Set("alice", kFirst, ContactStatus::kNonQualified);
  EXPECT_EQ(table.EndList(), 1u);
  EXPECT_EQ(table.size(), 1u);
}

TEST(ContactTableTest, NewContactsBeyondTheBoundAreCounted) {
  TrackerProbe probe;
  ContactTable table(2, probe);
  table.Set("a", kFirst, ContactStatus::kNonQualified);
  table.Set("b", kFirst, ContactStatus::kNonQualified);
  EXPECT_EQ(table.Set("c", kFirst, ContactStatus::kNonQualified), Change::kNone);
  EXPECT_EQ(probe.rejected_contacts.value(), 1u);
  EXPECT_FALSE(table.Reachable("c"));
  EXPECT_EQ(table.Set("a", kFirst, ContactStatus::kUnreachable), Change::kUnreachable);
  table.Clear();
  EXPECT_EQ(table.Set("c", kFirst, ContactStatus::kNonQualified), Change::kReachable);
}

TEST(ContactTableTest, AnEndpointHasABoundOfItsOwn) {
  TrackerProbe probe;
  ContactTable table(1'000'000, probe);
  const auto uri = [](int i) { return fmt::format("sip:alice@192.0.2.1:{}", i); };
  constexpr int kMost = ContactTable::kMaxEndpointContacts;
  for (int i = 0; i < 200'000; ++i) table.Set("alice", uri(i), ContactStatus::kReachable);
  EXPECT_EQ(table.size(), static_cast<std::size_t>(kMost));
  EXPECT_EQ(probe.rejected_contacts.value(), 200'000u - kMost);
  EXPECT_EQ(table.Set("bob", kFirst, ContactStatus::kReachable), Change::kReachable);
  // Those that are known decide; when one is gone, another is taken in.
  for (int i = 0; i < kMost - 1; ++i) {
    EXPECT_EQ(table.Set("alice", uri(i), ContactStatus::kRemoved), Change::kNone);
  }
  EXPECT_EQ(table.Set("alice", uri(kMost - 1), ContactStatus::kRemoved), Change::kUnreachable);
  EXPECT_EQ(table.Set("alice", uri(kMost), ContactStatus::kReachable), Change::kReachable);
}

TEST(ContactTableTest, TwoMillionContactsTakeLittleMemory) {
  TrackerProbe probe;
  ContactTable table(8'000'000, probe);
  constexpr int kContacts = 2'000'000;
  for (int i = 0; i < kContacts; ++i) {
    const std::string endpoint = fmt::format("user{:07}", i);
    table.Set(endpoint, fmt::format("sip:{}@192.0.2.1:5060", endpoint), ContactStatus::kReachable);
  }
  EXPECT_EQ(table.size(), static_cast<std::size_t>(kContacts));
  EXPECT_LE(table.memory_bytes(), kContacts * std::size_t{36});
  table.BeginList();
  EXPECT_EQ(table.EndList(), static_cast<std::size_t>(kContacts));
}

// Few names and a small table, so that probe sequences wrap, merge and are cut.
RC_GTEST_PROP(ContactTableProperty, IsASetOfContactsForEachEndpoint, ()) {
  TrackerProbe probe;
  ContactTable table(1'000, probe);
  std::map<std::string, std::map<std::string, ContactStatus>> model;
  std::set<std::pair<std::string, std::string>> listed;
  const auto reachable = [&model](const std::string& endpoint) {
    for (const auto& [uri, status] : model[endpoint]) {
      if (Callable(status)) return true;
    }
    return false;
  };
  const int steps = *rc::gen::inRange(1, 600);
  for (int i = 0; i < steps; ++i) {
    const int what = *rc::gen::inRange(0, 60);
    if (what == 0) {
      table.BeginList();
      listed.clear();
      const int rows = *rc::gen::inRange(0, 40);
      for (int row = 0; row < rows; ++row) {
        const auto endpoint = fmt::format("e{}", *rc::gen::inRange(0, 40));
        const auto uri = fmt::format("u{}", *rc::gen::inRange(0, 3));
        table.Set(endpoint, uri, ContactStatus::kReachable);
        model[endpoint][uri] = ContactStatus::kReachable;
        listed.emplace(endpoint, uri);
      }
      std::size_t gone = 0;
      for (auto& [endpoint, contacts] : model) {
        gone += std::erase_if(contacts, [&, name = endpoint](const auto& contact) {
          return !listed.contains({name, contact.first});
        });
      }
      RC_ASSERT(table.EndList() == gone);
      continue;
    }
    const auto endpoint = fmt::format("e{}", *rc::gen::inRange(0, 40));
    const auto uri = fmt::format("u{}", *rc::gen::inRange(0, 3));
    const auto status = static_cast<ContactStatus>(*rc::gen::inRange(0, 5));
    const bool before = reachable(endpoint);
    if (status == ContactStatus::kRemoved) {
      model[endpoint].erase(uri);
    } else {
      model[endpoint][uri] = status;
    }
    const bool after = reachable(endpoint);
    const Change expected = before == after ? Change::kNone
                            : after         ? Change::kReachable
                                            : Change::kUnreachable;
    RC_ASSERT(table.Set(endpoint, uri, status) == expected);
  }
  std::size_t size = 0;
  for (const auto& [endpoint, contacts] : model) {
    size += contacts.size();
    RC_ASSERT(table.Reachable(endpoint) == reachable(endpoint));
  }
  RC_ASSERT(table.size() == size);
}

}  // namespace
}  // namespace unipresence::pbx
