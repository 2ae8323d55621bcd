#ifndef UNIPRESENCE_TESTS_TESTING_RECORDING_LISTENER_H_
#define UNIPRESENCE_TESTS_TESTING_RECORDING_LISTENER_H_

// A FollowListener that keeps what an application would show. Not thread-safe.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "clients/cpp/follow_session.h"

namespace unipresence::testing {

class RecordingListener final : public client::FollowListener {
 public:
  void OnPresence(const publish::PresenceValue& presence,
                  const publish::ReplicaChange& change) override {
    ++presences;
    const auto shown = values.find(presence.user);
    EXPECT_EQ(change.previous_state.has_value(), shown != values.end()) << presence.user;
    if (shown != values.end()) {
      EXPECT_EQ(change.previous_state, shown->second.state) << presence.user;
    }
    // Only one change after the other has a cause.
    if (!change.encoded_cause.empty() && shown != values.end()) {
      EXPECT_EQ(presence.revision, shown->second.revision + 1) << presence.user;
    }
    causes += !change.encoded_cause.empty();
    publish::PresenceValue& held = values[presence.user];
    EXPECT_LT(held.revision, presence.revision) << presence.user;
    held = presence;
  }
  void OnRemoved(std::string_view user, const publish::ReplicaChange& change) override {
    EXPECT_TRUE(change.previous_state) << user;
    EXPECT_EQ(values.erase(std::string(user)), 1u) << "removed, but never told of: " << user;
  }
  void OnReset() override {
    EXPECT_FALSE(current) << "a reset without a gap";
    values.clear();
    ++resets;
  }
  void OnCurrent() override {
    EXPECT_FALSE(current);
    current = true;
    ++currents;
  }
  void OnGap(client::GapReason reason) override {
    EXPECT_TRUE(current);
    current = false;
    gaps.push_back(reason);
  }

  std::map<std::string, publish::PresenceValue> values;
  std::vector<client::GapReason> gaps;
  bool current = false;
  int currents = 0;
  int resets = 0;
  int presences = 0;
  int causes = 0;  // of presences
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_RECORDING_LISTENER_H_
