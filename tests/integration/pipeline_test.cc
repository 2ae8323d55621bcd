// The pipeline as a whole: a socket that speaks AMI on one side, batches on the other, commands
// from many threads in between. Run under ThreadSanitizer as the gate of its threading.

#include "aggregator/pipeline/pipeline.h"

#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/testing/ami_source.h"

namespace unipresence {
namespace {

constexpr std::size_t kUsers = 200;

std::string UserId(std::size_t i) { return "user" + std::to_string(i); }

// Keeps what the batches say, as a client would: read by the test thread while the pipeline writes.
class CollectingSink final : public publish::BatchSink {
 public:
  void OnBatch(std::shared_ptr<const publish::Batch> batch) override {
    MutexLock lock(mutex_);
    for (std::size_t i = 0; i < batch->size(); ++i) {
      if (last_ != 0 && batch->sequence(i) != last_ + 1) ++gaps_;
      last_ = batch->sequence(i);
      revisions_[std::string(batch->user(i))] = batch->revision(i);
    }
  }
  void OnMailboxes(std::shared_ptr<const publish::Batch>) override {}
  std::uint64_t last() {
    MutexLock lock(mutex_);
    return last_;
  }
  int gaps() {
    MutexLock lock(mutex_);
    return gaps_;
  }
  std::map<std::string, std::uint64_t> revisions() {
    MutexLock lock(mutex_);
    return revisions_;
  }

 private:
  Mutex mutex_;
  std::uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
  int gaps_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::uint64_t> revisions_ ABSL_GUARDED_BY(mutex_);
};

class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest() : source_(kUsers) {}

  PipelineOptions Options() {
    PipelineOptions options;
    ami::PbxConfig pbx;
    pbx.name = "main";
    pbx.host = "127.0.0.1";
    pbx.port = source_.port();
    pbx.username = "test";
    pbx.secret = "test";
    pbx.times.backoff_first = std::chrono::milliseconds(1);
    pbx.times.backoff_cap = std::chrono::milliseconds(10);
    pbx.times.ping_after = std::chrono::hours(1);  // the source does not answer while it blasts
    options.pbxs = {{.ami = pbx, .write_back = false}};  // the source answers lists only
    return options;
  }

  void Start(PipelineOptions options) {
    pipeline_ = std::make_unique<Pipeline>(std::move(options), Clock::System());
    pipeline_->publisher().SetBatchWanted(true);
    const absl::Status status = pipeline_->Start(
        [](Core& core) -> absl::Status {
          for (std::size_t i = 0; i < kUsers; ++i) {
            User user;
            user.id = UserId(i);
            const std::string device = "PJSIP/u" + std::to_string(i);
            user.lines = {{LineKind::kDeskphone, "main", device},
                          {LineKind::kWebrtc, "main", device + "_w"}};
            if (absl::Status added = core.engine.AddUser(user, {}); !added.ok()) return added;
          }
          return absl::OkStatus();
        },
        {.batches = &sink_});
    ASSERT_TRUE(status.ok()) << status;
  }

  // Runs `query` on the pipeline thread and returns what it returns.
  template <typename Query>
  auto Ask(Query query) {
    std::promise<decltype(query(std::declval<Core&>()))> promise;
    auto future = promise.get_future();
    EXPECT_TRUE(pipeline_->Post([&](Core& core) { promise.set_value(query(core)); }));
    return future.get();
  }

  // Asks until the answer is yes; the test's time limit is the deadline.
  template <typename Condition>
  void WaitFor(Condition condition) {
    while (!Ask(condition)) std::this_thread::yield();
  }
  void WaitUntilSynced() {
    WaitFor([](Core& core) { return core.engine.pbxs().AllSynced() && !core.engine.HasWork(); });
  }
  static int CountStale(Core& core) {
    int stale = 0;
    core.engine.Read(0, kUsers,
                     [&](const PresenceSource::Entry& entry) { stale += entry.presence.stale; });
    return stale;
  }
  static int CountIn(Core& core, PresenceState state) {
    int count = 0;
    core.engine.Read(0, kUsers, [&](const PresenceSource::Entry& entry) {
      count += entry.presence.state == state;
    });
    return count;
  }

  testing::AmiSource source_;
  CollectingSink sink_;
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(PipelineTest, ListsThenChangesThenALostLinkAndItsReturn) {
  Start(Options());
  EXPECT_EQ(Ask(CountStale), kUsers);
  source_.Accept();
  WaitUntilSynced();
  EXPECT_EQ(Ask(CountStale), 0);
  EXPECT_EQ(Ask([](Core& core) { return CountIn(core, PresenceState::kAvailable); }), kUsers);

  source_.Blast(kUsers);
  WaitFor([](Core& core) { return CountIn(core, PresenceState::kInUse) == kUsers; });

  source_.Drop();
  WaitFor([](Core& core) { return CountStale(core) == kUsers; });
  EXPECT_EQ(Ask([](Core& core) { return CountIn(core, PresenceState::kInUse); }), kUsers)
      << "the last presence is kept while the link is down";

  source_.Accept();
  WaitUntilSynced();
  EXPECT_EQ(Ask(CountStale), 0);
  EXPECT_EQ(Ask([](Core& core) { return CountIn(core, PresenceState::kAvailable); }), kUsers);
  EXPECT_EQ(sink_.gaps(), 0);
}

TEST_F(PipelineTest, CommandsOfManyThreadsMeetABlastAndEveryUpdateIsSeenOnce) {
  Start(Options());
  source_.Accept();
  WaitUntilSynced();
  constexpr int kThreads = 4;
  constexpr int kCommands = 500;
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kCommands; ++i) {
        const std::string user = UserId(static_cast<std::size_t>(t * 31 + i) % kUsers);
        while (!pipeline_->Post([&done, user, i](Core& core) {
          EXPECT_TRUE(core.engine.SetLoggedIn(user, i % 2 == 0, CauseKind::kLogin).ok());
          ++done;
        })) {
          std::this_thread::yield();
        }
      }
    });
  }
  source_.Blast(kUsers * 50);
  for (std::thread& thread : threads) thread.join();
  WaitFor([&](Core&) { return done == kThreads * kCommands; });
  // The 50th pass ends the calls of all.
  WaitFor([](Core& core) { return CountIn(core, PresenceState::kAvailable) == kUsers; });
  const auto [sequence, revisions] = Ask([](Core& core) {
    std::map<std::string, std::uint64_t> revisions;
    core.engine.Read(0, kUsers, [&](const PresenceSource::Entry& entry) {
      revisions[std::string(entry.presence.user)] = entry.presence.revision;
    });
    return std::pair(core.engine.sequence(), revisions);
  });
  EXPECT_EQ(sink_.last(), sequence);
  EXPECT_EQ(sink_.revisions(), revisions);
  EXPECT_EQ(sink_.gaps(), 0);
}

TEST_F(PipelineTest, AFullQueueRefusesAndAStopRunsWhatWasAccepted) {
  PipelineOptions options = Options();
  options.command_queue_capacity = 8;
  Start(std::move(options));
  std::latch entered(1);
  std::latch release(1);
  ASSERT_TRUE(pipeline_->Post([&](Core&) {
    entered.count_down();
    release.wait();
  }));
  entered.wait();
  int run = 0;
  int accepted = 0;
  for (int i = 0; i < 20; ++i) accepted += pipeline_->Post([&run](Core&) { ++run; });
  EXPECT_EQ(accepted, 8);
  EXPECT_EQ(pipeline_->probe().commands_refused.value(), 12u);
  std::thread stopper([&] { pipeline_->Stop(); });
  release.count_down();
  stopper.join();
  EXPECT_EQ(run, accepted);
  EXPECT_FALSE(pipeline_->Post([](Core&) {}));
}

TEST_F(PipelineTest, AnErrorWhileLoadingEndsTheStart) {
  Pipeline pipeline(Options(), Clock::System());
  const absl::Status status =
      pipeline.Start([](Core&) { return absl::DataLossError("the file is damaged"); });
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace unipresence
