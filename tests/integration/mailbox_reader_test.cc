// Counts of voicemail boxes from a (simulated) Asterisk into the engine: read after the lists,
// followed by MessageWaiting, read again after the link was lost.

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <string>
#include <thread>

#include "aggregator/pipeline/pbx_link.h"
#include "aggregator/pipeline/pipeline.h"
#include "tests/simulation/running_sim.h"

namespace unipresence {
namespace {

// More than are in flight at once.
constexpr int kUsers = 100;

class MailboxReaderTest : public ::testing::Test {
 protected:
  MailboxReaderTest() : control_(sim_.control_port()) {}

  void Start() {
    PipelineOptions options;
    ami::PbxConfig pbx;
    pbx.name = "main";
    pbx.host = "127.0.0.1";
    pbx.port = sim_.port();
    pbx.username = "unipresence";
    pbx.secret = "unipresence";
    pbx.times.backoff_first = std::chrono::milliseconds(1);
    pbx.times.backoff_cap = std::chrono::milliseconds(10);
    options.pbxs = {{.ami = pbx}};
    pipeline_ = std::make_unique<Pipeline>(std::move(options), Clock::System());
    const absl::Status status = pipeline_->Start([](Core& core) -> absl::Status {
      for (int i = 0; i < kUsers; ++i) {
        if (absl::Status added = core.engine.AddUser(Person(i), {}); !added.ok()) return added;
      }
      return absl::OkStatus();
    });
    ASSERT_TRUE(status.ok()) << status;
  }

  static User Person(int i) {
    User user;
    user.id = "user" + std::to_string(i);
    user.exten = std::to_string(5000 + i);
    user.context = "default";
    user.lines = {{LineKind::kDeskphone, "main", "PJSIP/" + user.id}};
    user.voicemail.emplace();
    user.voicemail->number = user.exten;
    return user;
  }

  void SetMailbox(int i, int new_messages, int old_messages) {
    const auto reply = control_.Run({{"command", "mailbox"},
                                     {"mailbox", Person(i).exten + "@default"},
                                     {"new", new_messages},
                                     {"old", old_messages}});
    EXPECT_TRUE(reply.value("ok", false)) << reply.dump();
  }

  // Asks until the box is so; the test's time limit is the deadline.
  void WaitFor(int i, const std::function<bool(const Mailbox&)>& condition) {
    bool holds = false;
    while (!holds) {
      std::promise<bool> answer;
      ASSERT_TRUE(pipeline_->Post([&](Core& core) {
        bool so = false;
        core.engine.mailboxes().Read(Person(i).id,
                                     [&](const Mailbox& box) { so = condition(box); });
        answer.set_value(so);
      }));
      holds = answer.get_future().get();
      std::this_thread::yield();
    }
  }
  void WaitForCounts(int i, MailboxCounts counts) {
    WaitFor(i, [&](const Mailbox& box) { return !box.stale && box.counts == counts; });
  }

  simulation::RunningSim sim_;
  simulation::ControlClient control_;
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(MailboxReaderTest, CountsAreReadAfterTheListsAndFollowedByEvents) {
  for (int i = 0; i < kUsers; ++i) SetMailbox(i, i, 1);
  Start();
  for (int i = 0; i < kUsers; ++i) {
    WaitForCounts(i, {static_cast<std::uint32_t>(i), 1});
  }
  SetMailbox(3, 0, 4);
  WaitForCounts(3, {0, 4});
  EXPECT_EQ(pipeline_->link(0).probe().mailbox_errors.value(), 0u);
}

TEST_F(MailboxReaderTest, ALostLinkLeavesTheLastCountsUntilTheyAreReadAgain) {
  SetMailbox(3, 2, 1);
  Start();
  WaitForCounts(3, {2, 1});
  control_.Start({{"command", "kill"}, {"down_ms", simulation::kUntilToldToGoOn}});
  WaitFor(3, [](const Mailbox& box) { return box.stale && box.counts == MailboxCounts{2, 1}; });
  EXPECT_TRUE(simulation::ControlClient(sim_.control_port())
                  .Run({{"command", "go_on"}})
                  .value("ok", false));
  EXPECT_TRUE(control_.Reply().value("ok", false));
  WaitForCounts(3, {2, 1});
}

TEST_F(MailboxReaderTest, ANewUsersBoxIsRead) {
  User late = Person(kUsers);
  SetMailbox(kUsers, 7, 0);
  Start();
  WaitForCounts(3, {0, 0});
  ASSERT_TRUE(
      pipeline_->Post([&](Core& core) { ASSERT_TRUE(core.engine.AddUser(late, {}).ok()); }));
  WaitForCounts(kUsers, {7, 0});
}

}  // namespace
}  // namespace unipresence
