// The pipeline tells simulated PBXs where calls ring: many users at once, a PBX that is away, one
// that crashes, one that somebody else writes to.

#include "aggregator/pipeline/routing_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "aggregator/pipeline/pbx_link.h"
#include "aggregator/pipeline/pipeline.h"
#include "tests/simulation/running_sim.h"

namespace unipresence {
namespace {

using simulation::ControlClient;
using simulation::RunningSim;
using Json = nlohmann::json;

constexpr std::size_t kUsers = 1'000;

simulation::Options SimOptions() {
  simulation::Options options = simulation::TestOptions();
  options.users = kUsers;
  return options;
}

// One simulated Asterisk and what it holds.
struct Pbx {
  RunningSim sim{SimOptions()};
  ControlClient control{sim.control_port()};

  Json Keys(const std::string& family) {
    return control.Run({{"command", "db_tree"}, {"family", family}}).at("entries");
  }
};

class RoutingWriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    PipelineOptions options;
    options.pbxs = {{.ami = Link("main", main_)}, {.ami = Link("branch", branch_)}};
    pipeline_ = std::make_unique<Pipeline>(std::move(options), Clock::System());
    // As the services do it, without a store.
    Pipeline::Hooks hooks;
    hooks.adopt = [](Core& core, const PhoneSetting& setting,
                     absl::AnyInvocable<void(absl::Status) &&> done) {
      const auto* do_not_disturb = std::get_if<PhoneDoNotDisturb>(&setting.value);
      std::move(done)(do_not_disturb == nullptr
                          ? absl::InvalidArgumentError("of no use in this test")
                          : core.engine.SetDoNotDisturb(setting.user, do_not_disturb->on));
    };
    const absl::Status status = pipeline_->Start(
        [](Core& core) -> absl::Status {
          for (const std::string pbx : {"main", "branch"}) {
            for (std::size_t i = 0; i < kUsers; ++i) {
              if (absl::Status added = core.engine.AddUser(Person(pbx, i), {}); !added.ok()) {
                return added;
              }
            }
          }
          return absl::OkStatus();
        },
        std::move(hooks));
    ASSERT_TRUE(status.ok()) << status;
    WaitUntilTold();
    WaitUntilWritten(main_);
    WaitUntilWritten(branch_);
  }

  static std::string Id(const std::string& pbx, std::size_t i) { return pbx + std::to_string(i); }

  static User Person(const std::string& pbx, std::size_t i) {
    const std::string device = "PJSIP/user" + std::to_string(i);
    User user;
    user.id = Id(pbx, i);
    user.exten = std::to_string(1000 + i);
    user.context = "from-users";
    user.line_type = LineType::kUniqueAccount;
    user.lines = {{LineKind::kDeskphone, pbx, device}, {LineKind::kWebrtc, pbx, device + "_w"}};
    return user;
  }

  static ami::PbxConfig Link(const std::string& name, const Pbx& pbx) {
    ami::PbxConfig config;
    config.name = name;
    config.host = "127.0.0.1";
    config.port = pbx.sim.port();
    config.username = "unipresence";
    config.secret = "unipresence";
    config.times.backoff_first = std::chrono::milliseconds(1);
    config.times.backoff_cap = std::chrono::milliseconds(20);
    return config;
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
    while (!condition()) std::this_thread::yield();
  }
  static bool IsTold(Core& core, const std::string& pbx) {
    const PbxIndex index = core.engine.pbxs().Add(pbx, pbx);
    return core.engine.pbxs()[index].link == LinkState::kSynced && !core.engine.HasWork() &&
           core.engine.routing_backlog().queue(index).empty();
  }
  // The engine has nothing left for the writers. Their last actions may still be under way: what
  // they do is waited for by itself.
  void WaitUntilTold() {
    WaitFor([&] {
      max_in_flight_ =
          std::max(max_in_flight_, pipeline_->link(0).ami_probe().actions_in_flight.load());
      return Ask([](Core& core) { return IsTold(core, "main") && IsTold(core, "branch"); });
    });
  }
  void WaitUntilWritten(Pbx& pbx) {
    WaitFor([&] {
      return pbx.Keys("unipresence").size() == kUsers * 12 &&
             pbx.Keys("CustomDevstate").size() == kUsers;
    });
  }
  void WaitUntilAllOnWebrtc(Pbx& pbx) {
    WaitFor([&] { return CountOnWebrtc(pbx) == kUsers; });
  }

  // Has everything looked at; all that was written before is settled when it returns.
  absl::StatusOr<ReconcileReport> Reconcile(const std::string& pbx) {
    std::promise<absl::StatusOr<ReconcileReport>> promise;
    auto future = promise.get_future();
    EXPECT_TRUE(pipeline_->Post([&](Core& core) {
      core.pbx_control->Reconcile(pbx, [&](absl::StatusOr<ReconcileReport> report) {
        promise.set_value(std::move(report));
      });
    }));
    return future.get();
  }

  // Everybody of the PBX, in one command.
  void SelectAll(const std::string& pbx, LineKind device) {
    Ask([&](Core& core) {
      for (std::size_t i = 0; i < kUsers; ++i) {
        EXPECT_TRUE(core.engine.SetLoggedIn(Id(pbx, i), true, CauseKind::kLogin).ok());
        EXPECT_TRUE(core.engine.SelectDevice(Id(pbx, i), device).ok());
      }
      return true;
    });
  }

  static std::size_t CountOnWebrtc(Pbx& pbx) {
    std::size_t count = 0;
    const Json keys = pbx.Keys("unipresence");
    for (const auto& [path, value] : keys.items()) {
      count += path.ends_with("/interface") && value.get<std::string>().ends_with("_w");
    }
    return count;
  }

  Pbx main_;
  Pbx branch_;
  std::uint32_t max_in_flight_ = 0;
  std::unique_ptr<Pipeline> pipeline_;  // last: it uses the others
};

TEST_F(RoutingWriterTest, AThousandUsersSwitchAtOnceWithoutFloodingAsterisk) {
  EXPECT_EQ(CountOnWebrtc(main_), 0u);
  SelectAll("main", LineKind::kWebrtc);
  WaitUntilTold();
  WaitUntilAllOnWebrtc(main_);
  EXPECT_EQ(CountOnWebrtc(branch_), 0u);
  EXPECT_LE(max_in_flight_, 64u + 1u) << "and a ping";
  EXPECT_EQ(pipeline_->link(0).ami_probe().actions_refused.value(), 0u);
  EXPECT_EQ(pipeline_->link(0).ami_probe().disconnects.value(), 0u);
  EXPECT_EQ(pipeline_->link(0).write_back_probe().refused.value(), 0u);
}

TEST_F(RoutingWriterTest, APbxThatIsAwayHoldsUpNobodyAndGetsTheNewestAlone) {
  main_.control.Start(
      {{"command", "restart"}, {"down_ms", simulation::kUntilToldToGoOn}, {"stopping_ms", 10}});
  WaitFor([&] {
    return Ask([](Core& core) {
      return core.engine.pbxs()[core.engine.pbxs().Add("main", "main")].link == LinkState::kDown;
    });
  });
  for (int i = 0; i < 5; ++i)
    SelectAll("main", i % 2 == 0 ? LineKind::kWebrtc : LineKind::kDeskphone);
  SelectAll("branch", LineKind::kWebrtc);
  // The other one is told while this one is away.
  WaitFor([&] { return Ask([](Core& core) { return IsTold(core, "branch"); }); });
  WaitUntilAllOnWebrtc(branch_);
  EXPECT_FALSE(Ask([](Core& core) { return IsTold(core, "main"); }));

  const pbx::WriteBackProbe& probe = pipeline_->link(0).write_back_probe();
  const std::uint64_t before = probe.written.value();
  EXPECT_TRUE(ControlClient(main_.sim.control_port()).Run({{"command", "go_on"}}).at("ok"));
  EXPECT_TRUE(main_.control.Reply().at("ok"));
  WaitUntilTold();
  WaitUntilAllOnWebrtc(main_);
  EXPECT_EQ(Reconcile("main")->rewrites, 0u);
  WaitFor([&] { return probe.written.value() >= before + kUsers; });
  EXPECT_LE(probe.written.value(), before + 2 * kUsers) << "the newest of five choices alone";
}

TEST_F(RoutingWriterTest, WhatAPhoneChangedIsAdoptedWhenItIsHeardAndAfterACut) {
  const std::string family = "unipresence/from-users/1007";
  const auto put = [&](const std::string& key, const std::string& value) {
    main_.control.Run({{"command", "db_put"}, {"family", family}, {"key", key}, {"value", value}});
  };
  const auto disturbed = [&](bool on) {
    const bool is = Ask([](Core& core) {
      bool do_not_disturb = false;
      core.engine.Read(Id("main", 7), [&](const PresenceSource::Entry& entry) {
        do_not_disturb = entry.presence.do_not_disturb;
      });
      return do_not_disturb;
    });
    return is == on && !main_.Keys(family).contains("/" + family + "/phone_changes");
  };
  put("dnd", "1");
  put("phone_changes", "do_not_disturb=1&");
  simulation::WireClient phone(main_.sim.port());
  phone.Login();
  phone.Send(
      "Action: UserEvent\r\nUserEvent: UnipresenceSetting\r\nUser: main7\r\n"
      "Context: from-users\r\nNumber: 1007\r\n"
      "Setting: do_not_disturb\r\nValue: 1\r\n\r\n");
  WaitFor([&] { return disturbed(true); });
  EXPECT_EQ(main_.Keys(family).at("/" + family + "/dnd"), "1");

  // Nobody hears this one.
  main_.control.Run({{"command", "cut"}, {"after", 0}});
  put("dnd", "0");
  put("phone_changes", "do_not_disturb=0&");
  WaitFor([&] { return disturbed(false); });
  EXPECT_EQ(main_.Keys(family).at("/" + family + "/dnd"), "0");
}

TEST_F(RoutingWriterTest, WhatACrashTookIsWrittenAgain) {
  SelectAll("main", LineKind::kWebrtc);
  WaitUntilTold();
  // Right behind the writes: AstDB has not committed them.
  EXPECT_TRUE(main_.control.Run({{"command", "kill"}}).at("ok"));
  WaitUntilTold();
  WaitUntilAllOnWebrtc(main_);
  WaitUntilWritten(main_);
}

TEST_F(RoutingWriterTest, AReconcileMendsWhatSomebodyElseWroteAndCountsIt) {
  EXPECT_EQ(Reconcile("main")->rewrites, 0u);
  main_.control.Run({{"command", "db_put"},
                     {"family", "unipresence/from-users/1007"},
                     {"key", "interface"},
                     {"value", "PJSIP/mallory"}});
  main_.control.Run(
      {{"command", "custom"}, {"name", "unipresence-from-users-1500"}, {"state", "BUSY"}});
  const absl::StatusOr<ReconcileReport> report = Reconcile("main");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->rewrites, 2u);
  EXPECT_EQ(report->corrections, 0u);
  EXPECT_EQ(main_.Keys("unipresence/from-users/1007").at("/unipresence/from-users/1007/interface"),
            "PJSIP/user7");
  EXPECT_EQ(Reconcile("nowhere").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(RoutingWriterTest, AReconcileDoesNotHoldUpAServerThatStops) {
  std::promise<absl::Status> promise;
  auto future = promise.get_future();
  EXPECT_TRUE(pipeline_->Post([&](Core& core) {
    core.pbx_control->Reconcile("main", [&](const absl::StatusOr<ReconcileReport>& report) {
      promise.set_value(report.status());
    });
    core.pbx_control->AbandonReconciles();
  }));
  EXPECT_EQ(future.get().code(), absl::StatusCode::kCancelled);
}

// The answer to a command comes when the PBX has taken what follows from it.
TEST_F(RoutingWriterTest, WhoeverIsToldFindsItInAsterisk) {
  for (const LineKind device : {LineKind::kDeskphone, LineKind::kWebrtc, LineKind::kDeskphone}) {
    std::promise<void> promise;
    auto future = promise.get_future();
    EXPECT_TRUE(pipeline_->Post([&](Core& core) {
      EXPECT_TRUE(core.engine.SelectDevice(Id("main", 7), device).ok());
      core.pbx_control->WhenWritten(Id("main", 7), [&] { promise.set_value(); });
    }));
    future.get();
    EXPECT_EQ(main_.Keys("unipresence/from-users/1007")
                  .at("/unipresence/from-users/1007/selected_device"),
              device == LineKind::kDeskphone ? "deskphone" : "webrtc");
  }
}

}  // namespace
}  // namespace unipresence
