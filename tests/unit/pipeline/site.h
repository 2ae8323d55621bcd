#ifndef UNIPRESENCE_TESTS_UNIT_PIPELINE_SITE_H_
#define UNIPRESENCE_TESTS_UNIT_PIPELINE_SITE_H_

// The whole way from the bytes of one PBX to what followers are sent and back, in the test's thread
// and on a clock that the test turns: a Turn, a loop that does what is scheduled when the test says
// that something happens, a ScriptedAsterisk that answers each action with a read of its own, and
// followers on ZeroMQ sockets within the process.
//
//   Site site({"alice"});
//   site.Open([](Core& core) { core.engine.AddUser(...); });
//   site.Connect();
//   site.Says("Event: DeviceStateChange\r\n...");
//   site.PassesUntil(site.clock().Now() + std::chrono::seconds(2));
//   EXPECT_EQ(site.frames, ...);

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "aggregator/pipeline/turn.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/scripted_asterisk.h"
#include "tests/testing/virtual_driver.h"

namespace unipresence {

class Site final : private TurnLoop {
 public:
  static constexpr std::uint64_t kEpoch = 0x5eed;

  static PbxOptions DefaultPbx();

  // Followers of all and of these users.
  explicit Site(const std::vector<std::string>& followed = {}, PbxOptions pbx = DefaultPbx());

  testing::ScriptedAsterisk& asterisk() { return asterisk_; }
  testing::FakeClock& clock() { return clock_; }
  Turn& turn() { return turn_; }
  Engine& engine() { return turn_.core().engine; }
  PbxIndex pbx() const { return turn_.link(0).pbx(); }
  const PbxLink& link() const { return turn_.link(0); }
  testing::VirtualDriver& driver() { return *driver_; }

  // `load` puts in what there is at the start. The link is not up yet.
  void Open(const std::function<void(Core&)>& load, Turn::Hooks hooks = {});
  // It comes up, now or at its next attempt; the lists are complete when it returns, unless the
  // Asterisk is not booted or denies them.
  void Connect();
  // Asterisk sends `bytes`, which come as one read. What follows of it, answers included, is done
  // when it returns; but the answers to what the last slice has sent come with what happens next.
  void Says(std::string_view bytes);
  // Time passes up to that point, with its ticks.
  void PassesUntil(MonotonicTime time);
  void Passes(Duration time) { PassesUntil(clock_.Now() + time); }
  // The link is lost, and stays so until Connect().
  void Cut();
  void Run(const std::function<void(Core&)>& command);

  // What is done with each action before it is answered; false: it is not answered.
  std::function<bool(const std::string& action)> on_action;

  // What the followers were sent, frame by frame; and what Asterisk was told, without ActionIDs.
  std::string frames;
  std::string actions;
  // Instead of `frames`, if set: gets each frame with its topic.
  std::function<void(std::string_view frame)> on_frame;
  // A snapshot of all users, page by page.
  std::vector<std::string> Snapshot();

 private:
  // TurnLoop.
  void ScheduleSlice() override { slice_ = true; }
  std::unique_ptr<ami::SessionDriver> MakeDriver(ami::PbxConfig config,
                                                 ami::SessionHandler& handler) override;

  void AnswerAll();
  // Answers, and slices, until none is scheduled.
  void Settle();
  void Collect();

  testing::FakeClock clock_;
  testing::ScriptedAsterisk asterisk_;
  zmq::context_t context_{0};
  bool slice_ = false;
  testing::VirtualDriver* driver_ = nullptr;  // of turn_
  Turn turn_;
  MonotonicTime next_tick_;
  zmq::socket_t follower_;
  zmq::socket_t requester_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_TESTS_UNIT_PIPELINE_SITE_H_
