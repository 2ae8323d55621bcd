#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "clients/cli/failure.h"
#include "tests/unit/cli/command_fixture.h"

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::chrono::hours kNever{1};

v1::WatchPresencesResponse Value(v1::PresenceState state, bool stale = false) {
  v1::WatchPresencesResponse response;
  response.set_event(v1::WATCH_EVENT_UPDATES);
  v1::Presence& presence = *response.add_updates()->mutable_presence();
  presence.set_user("alice");
  presence.set_state(state);
  presence.set_stale(stale);
  return response;
}

class WaitTest : public CommandFixture {
 protected:
  void SetUp() override { LogIn(); }

  // The stream shows these values, then nothing more until the command ends it.
  void Shows(std::vector<v1::WatchPresencesResponse> values) {
    server_.on_watch = [values](const v1::WatchPresencesRequest&, FakeServer::WatchWriter& writer) {
      for (const v1::WatchPresencesResponse& value : values) writer.Write(value);
      while (writer.Write(v1::WatchPresencesResponse())) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      return grpc::Status::CANCELLED;
    };
  }

  absl::Status Wait(std::vector<v1::PresenceState> states, std::chrono::milliseconds timeout) {
    return RunCommand(WaitOptions{.user = "alice", .states = std::move(states), .timeout = timeout},
                      NewContext());
  }
};

TEST_F(WaitTest, EndsAtOnceInThatState) {
  Shows({Value(v1::PRESENCE_STATE_AVAILABLE)});
  EXPECT_TRUE(Wait({v1::PRESENCE_STATE_AVAILABLE}, kNever).ok());
  EXPECT_THAT(Values("state"), ElementsAre("AVAILABLE"));
}

TEST_F(WaitTest, EndsWithTheFirstOfTheStates) {
  Shows({Value(v1::PRESENCE_STATE_AVAILABLE), Value(v1::PRESENCE_STATE_IN_USE),
         Value(v1::PRESENCE_STATE_RINGING)});
  EXPECT_TRUE(Wait({v1::PRESENCE_STATE_RINGING, v1::PRESENCE_STATE_IN_USE}, kNever).ok());
  EXPECT_THAT(Values("state"), ElementsAre("IN_USE"));
}

TEST_F(WaitTest, AStaleStateDoesNotCount) {
  Shows({Value(v1::PRESENCE_STATE_IN_USE, /*stale=*/true),
         Value(v1::PRESENCE_STATE_IN_USE, /*stale=*/false)});
  EXPECT_TRUE(Wait({v1::PRESENCE_STATE_IN_USE}, kNever).ok());
  EXPECT_EQ(Objects()[0]["stale"], false);
}

TEST_F(WaitTest, GivesUpWithItsOwnExitCode) {
  Shows({Value(v1::PRESENCE_STATE_AVAILABLE)});
  const absl::Status status = Wait({v1::PRESENCE_STATE_IN_USE}, std::chrono::milliseconds(50));
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNotReached);
  EXPECT_THAT(std::string(status.message()), HasSubstr("was not IN_USE in time"));
  EXPECT_TRUE(out_->Lines().empty());
}

TEST_F(WaitTest, AUserWhoIsNotOrIsNoMore) {
  server_.presences.erase("alice");
  EXPECT_EQ(ExitCodeOf(Wait({v1::PRESENCE_STATE_IN_USE}, kNever)), ExitCode::kNotFound);
  server_.presences["alice"].set_user("alice");
  v1::WatchPresencesResponse removed;
  removed.add_updates()->mutable_removed()->set_user("alice");
  Shows({removed});
  EXPECT_EQ(ExitCodeOf(Wait({v1::PRESENCE_STATE_IN_USE}, kNever)), ExitCode::kNotFound);
}

}  // namespace
}  // namespace unipresence::cli
