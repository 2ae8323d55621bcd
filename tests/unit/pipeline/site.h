#ifndef UNIPRESENCE_TESTS_UNIT_PIPELINE_SITE_H_
#define UNIPRESENCE_TESTS_UNIT_PIPELINE_SITE_H_

// One PBX, its link, the engine and the publisher in the test's thread, on a clock that the test
// turns. What a follower of all and of some users is sent is kept.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include <asio.hpp>

#include "aggregator/engine/engine.h"
#include "aggregator/engine/session_table.h"
#include "aggregator/pipeline/executor.h"
#include "aggregator/pipeline/pbx_call_control.h"
#include "aggregator/pipeline/pbx_link.h"
#include "aggregator/publish/publisher.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/scripted_asterisk.h"

namespace unipresence {

class Site {
 public:
  static constexpr std::uint64_t kEpoch = 0x5eed;
  static constexpr Duration kTick = std::chrono::milliseconds(50);

  explicit Site(const std::vector<std::string>& followed);
  ~Site();

  testing::ScriptedAsterisk& asterisk() { return asterisk_; }
  testing::FakeClock& clock() { return clock_; }
  Core& core() { return core_; }
  PbxIndex pbx() const { return link_->pbx(); }

  // Connects; the lists are complete when it returns.
  void Start();
  // Asterisk sends `bytes`, which come as one read. What follows of it is done when it returns.
  void Says(std::string_view bytes);
  // Time passes up to that point, with its ticks.
  void PassesUntil(MonotonicTime time);
  // The link is lost, and comes back after the next millisecond.
  void Cut();
  void Run(const std::function<void(Core&)>& command);

  // What the followers were sent, frame by frame; and what Asterisk was told, without ActionIDs.
  std::string frames;
  std::string actions;
  // A snapshot of all users, page by page.
  std::string Snapshot();

 private:
  void Accept();
  void Pump(const std::function<bool()>& done);
  void Deliver(std::string_view bytes);
  void AnswerAll();
  void Settle();
  void AfterTurn();
  void Tick();
  void Collect();

  testing::FakeClock clock_;
  testing::ScriptedAsterisk asterisk_;
  zmq::context_t context_{0};
  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_;
  std::unique_ptr<asio::ip::tcp::socket> peer_;
  std::uint64_t peer_sent_ = 0;
  std::uint64_t peer_received_ = 0;
  std::string received_;
  publish::Publisher publisher_;
  Engine engine_;
  SessionTable sessions_{{}};
  PbxCallControl calls_;
  Core core_;
  std::unique_ptr<PbxLink> link_;
  bool slice_ = false;
  MonotonicTime next_tick_;
  zmq::socket_t follower_;
  zmq::socket_t requester_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_TESTS_UNIT_PIPELINE_SITE_H_
