#ifndef UNIPRESENCE_TESTS_UNIT_PUBLISH_MIRROR_H_
#define UNIPRESENCE_TESTS_UNIT_PUBLISH_MIRROR_H_

// What tests of the replica table share.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>

#include "aggregator/publish/replica_table.h"

namespace unipresence::publish {

// Keeps what it is told, as an application would.
class Mirror final : public ReplicaObserver {
 public:
  void OnPresence(const PresenceValue& presence, const ReplicaChange& /*change*/) override {
    values[presence.user] = presence;
  }
  void OnRemoved(std::string_view user, const ReplicaChange& /*change*/) override {
    EXPECT_EQ(values.erase(std::string(user)), 1u) << "removed, but never told of: " << user;
  }
  void OnReset() override {
    values.clear();
    ++resets;
  }

  std::map<std::string, PresenceValue> values;
  int resets = 0;
};

// A heartbeat.
inline v1::StreamFrame Beat(std::uint64_t epoch, std::uint64_t sequence) {
  v1::StreamFrame frame;
  frame.set_epoch(epoch);
  frame.mutable_heartbeat()->set_sequence(sequence);
  return frame;
}

// As they come from the wire.
inline ReplicaTable::Result ApplyFrame(ReplicaTable& table, const v1::StreamFrame& frame) {
  const std::string bytes = frame.SerializeAsString();
  StreamFrameView view;
  EXPECT_TRUE(ReadStreamFrame(bytes, view));
  return table.ApplyFrame(view);
}
inline ReplicaTable::Result ApplyHeartbeat(ReplicaTable& table, const v1::StreamFrame& frame) {
  const std::string bytes = frame.SerializeAsString();
  StreamFrameView view;
  EXPECT_TRUE(ReadStreamFrame(bytes, view));
  return table.ApplyHeartbeat(view);
}
inline ReplicaTable::Result ApplyUserFrame(ReplicaTable& table, const v1::UserFrame& frame) {
  const std::string bytes = frame.SerializeAsString();
  UserFrameView view;
  EXPECT_TRUE(ReadUserFrame(bytes, view));
  return table.ApplyUserFrame(view);
}

}  // namespace unipresence::publish

#endif  // UNIPRESENCE_TESTS_UNIT_PUBLISH_MIRROR_H_
