// Random lives of a small PBX through a link and the engine, against the naive truth.
//
// RC_PARAMS="max_success=1000000" runs more of them.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/engine/engine.h"
#include "aggregator/pipeline/pbx_link.h"
#include "fmt/format.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/recording_sink.h"
#include "tests/testing/scripted_asterisk.h"
#include "tests/testing/users.h"
#include "tests/testing/virtual_driver.h"
#include "tests/unit/pbx/naive_pbx.h"

namespace unipresence::pbx {
namespace {

const int kMoreRuns = setenv("RC_PARAMS", "max_success=2000", 0);

// What happens besides the operations of NaivePbx.
constexpr unsigned kLoseLink = static_cast<unsigned>(NaivePbx::Op::kCount);
constexpr unsigned kRestart = kLoseLink + 1;
constexpr unsigned kReconcile = kLoseLink + 2;
constexpr unsigned kLogIn = kLoseLink + 3;
constexpr unsigned kLogOut = kLoseLink + 4;
constexpr unsigned kSelectDeskphone = kLoseLink + 5;
constexpr unsigned kSelectWebrtc = kLoseLink + 6;
constexpr unsigned kSteps = kLoseLink + 7;

struct Step {
  unsigned what = 0;
  unsigned a = 0;
  unsigned b = 0;
  unsigned lost = 0;  // steps that happen unheard after kLoseLink and kRestart
};

void showValue(const Step& step, std::ostream& out) {
  out << fmt::format("{{{}, {}, {}, {}}}", step.what, step.a, step.b, step.lost);
}

// Calls that get somewhere are made more often than the rest.
unsigned Weighted(unsigned draw) {
  constexpr NaivePbx::Op kOften[] = {
      NaivePbx::Op::kDial,   NaivePbx::Op::kDial,   NaivePbx::Op::kRing, NaivePbx::Op::kAnswer,
      NaivePbx::Op::kAnswer, NaivePbx::Op::kAnswer, NaivePbx::Op::kHold, NaivePbx::Op::kOriginate};
  if (draw < kSteps) return draw;
  return static_cast<unsigned>(kOften[(draw - kSteps) % std::size(kOften)]);
}

rc::Gen<std::vector<Step>> Lives() {
  return rc::gen::container<std::vector<Step>>(rc::gen::build<Step>(
      rc::gen::set(&Step::what, rc::gen::map(rc::gen::inRange(0u, kSteps + 16), Weighted)),
      rc::gen::set(&Step::a, rc::gen::inRange(0u, 12u)),
      rc::gen::set(&Step::b, rc::gen::inRange(0u, 12u)),
      rc::gen::set(&Step::lost, rc::gen::inRange(0u, 6u))));
}

// --- The rules of aggregator/fusion/README.md, said once more in words ---

bool IsReachable(const std::string& state) {
  return state != "UNAVAILABLE" && state != "INVALID" && state != "UNKNOWN";
}
bool IsActive(const std::string& state) { return IsReachable(state) && state != "NOT_INUSE"; }

std::string AsPresence(const std::string& state) {
  if (state == "NOT_INUSE") return "AVAILABLE";
  if (state == "INUSE") return "IN_USE";
  if (state == "RINGINUSE") return "RINGING_IN_USE";
  if (state == "ONHOLD") return "ON_HOLD";
  return state;  // RINGING, UNAVAILABLE
}

std::string LineOf(const NaivePbx::Truth& truth) {
  return truth.emitting && truth.state == "NOT_INUSE" ? "INUSE" : truth.state;
}

struct Person {
  bool logged_in = false;
  bool selected_web = true;
};

std::string FusedPresence(const NaivePbx& pbx, const Person& person) {
  const NaivePbx::Truth desk = pbx.TruthOf("PJSIP/alice");
  const std::string d = LineOf(desk);
  const std::string w = LineOf(pbx.TruthOf("PJSIP/alice_w"));
  if (!person.logged_in) return AsPresence(d);
  if (desk.emitting && (IsActive(w) || (person.selected_web && IsReachable(w)))) return "IN_USE";
  if (person.selected_web) return AsPresence(IsReachable(w) ? w : d);
  return AsPresence(IsActive(w) ? w : d);
}

// --- One life ---

PbxOptions LinkOptions() {
  PbxOptions options;
  options.ami.name = "main";
  options.ami.host = "127.0.0.1";
  options.ami.auth = ami::AuthMethod::kPlain;
  options.ami.times.backoff_first = options.ami.times.backoff_cap = std::chrono::milliseconds(1);
  options.write_back = false;
  return options;
}

// By the name of the action that lists them.
const std::map<std::string, Lists::Rows Lists::*> kRows = {
    {"PJSIPShowEndpoints", &Lists::endpoints},
    {"DeviceStateList", &Lists::device_states},
    {"PJSIPShowContacts", &Lists::contacts},
    {"CoreShowChannels", &Lists::channels},
    {"Status", &Lists::statuses}};

class Life {
 public:
  Life()
      : engine_({.epoch = 1}, clock_, sink_), pbx_([this](const std::string& event) {
          if (heard_) wire_.push_back(event);
        }) {
    spdlog::set_level(spdlog::level::off);  // thousands of links
    PbxLink::Hooks hooks;
    hooks.read_end = [](MonotonicTime, std::size_t) {};
    hooks.calls_read = [this](PbxIndex) { facts_.Take(link_->tracker().changes()); };
    const auto make_driver = [this](ami::PbxConfig config, ami::SessionHandler& handler) {
      auto driver = std::make_unique<testing::VirtualDriver>(std::move(config), handler, clock_);
      driver_ = driver.get();
      return driver;
    };
    link_.emplace(make_driver, LinkOptions(), engine_, clock_, std::chrono::hours(1),
                  std::move(hooks));
    RC_ASSERT(engine_.AddUser(testing::UniqueAccount("alice", "1000"), {}).ok());
    RC_ASSERT(link_->Start().ok());
    Resync(ResyncKind::kResync, 0);
    Check();
  }

  void Do(const Step& step) {
    switch (step.what) {
      case kLoseLink:
        LoseLink();
        unheard_ = step.lost;
        break;
      case kRestart:
        LoseLink();
        pbx_.Restart();
        unheard_ = step.lost;
        break;
      case kReconcile:
        if (heard_) Resync(ResyncKind::kReconcile, step.a);
        break;
      case kLogIn:
      case kLogOut:
        person_.logged_in = step.what == kLogIn;
        RC_ASSERT(engine_
                      .SetLoggedIn("alice", person_.logged_in,
                                   person_.logged_in ? CauseKind::kLogin : CauseKind::kLogout)
                      .ok());
        break;
      case kSelectDeskphone:
      case kSelectWebrtc:
        person_.selected_web = step.what == kSelectWebrtc;
        RC_ASSERT(engine_
                      .SelectDevice("alice",
                                    person_.selected_web ? LineKind::kWebrtc : LineKind::kDeskphone)
                      .ok());
        break;
      default:
        pbx_.Do(static_cast<NaivePbx::Op>(step.what), step.a, step.b);
        break;
    }
    if (!heard_ && unheard_-- == 0) Resync(ResyncKind::kResync, step.a);
    Read(step.b);
    Check();
  }

 private:
  void LoseLink() {
    if (!heard_) return;
    heard_ = false;
    wire_.clear();  // what was on its way is lost
    pbx_.set_heard(false);
    pbx_.ListenerLost();
    driver_->Closes();
    Work();
    clock_.Advance(std::chrono::milliseconds(1));
    driver_->Wakes();
  }

  void Work() {
    while (engine_.Sweep(100)) {
    }
  }

  // Reads what is on the wire, in reads of `size` events (0: all at once).
  void Read(unsigned size) {
    unsigned count = 0;
    std::string read;
    while (!wire_.empty()) {
      read += wire_.front() + "\r\n";
      wire_.pop_front();
      if (++count == size || wire_.empty()) {
        driver_->Says(std::exchange(read, {}));
        count = 0;
      }
    }
  }

  // Things go on happening while Asterisk lists; their events come behind the rows.
  void Resync(ResyncKind kind, unsigned busy) {
    Read(0);
    if (kind == ResyncKind::kResync) {
      heard_ = true;
      pbx_.set_heard(true);
      driver_->Connects();
      driver_->Says(testing::ScriptedAsterisk::kBanner);
    } else {
      engine_.pbxs().RequestListing(link_->pbx());
      link_->OnTick();
    }
    while (const std::optional<std::string> action = driver_->TakeAction()) {
      const std::string name(ami::Message(*action).Get("Action"));
      Read(0);
      if (const auto rows = kRows.find(name); rows != kRows.end()) {
        if (busy-- % 3 == 1) pbx_.Do(static_cast<NaivePbx::Op>(busy % kLoseLink), busy, busy + 1);
        asterisk_.lists[name] = *(pbx_.MakeLists().*rows->second);
      }
      driver_->Says(asterisk_.Answer(*action));
    }
    RC_ASSERT(link_->probe().list_errors.value() == 0u);
    RC_ASSERT(!link_->tracker().resync_running());
    RC_ASSERT(engine_.pbxs()[link_->pbx()].link == LinkState::kSynced);
    Work();
  }

  void Check() {
    if (!heard_) return CheckStale();
    for (const std::string& device : NaivePbx::Devices()) {
      const NaivePbx::Truth truth = pbx_.TruthOf(device);
      const DeviceFacts facts = facts_.Facts(device);
      if (truth.direction_told) {
        RC_ASSERT(facts.emitting == truth.emitting);
        RC_ASSERT(facts.in_call == truth.in_call);
      }
      RC_ASSERT(!facts.holding || truth.holding);
      RC_ASSERT(!facts.held || truth.held);
      if (truth.holds_told) RC_ASSERT(facts.holding == truth.holding);
      if (truth.holds_told) RC_ASSERT(facts.held == truth.held);
      if (truth.state == "ONHOLD" && !truth.has_renamed) RC_ASSERT(facts.held);
      if (facts.state) RC_ASSERT(ToString(*facts.state) == truth.state);
      RC_ASSERT(link_->tracker().Reachable(device) == truth.reachable);
    }
    RC_ASSERT(link_->tracker().channel_count() == pbx_.leg_count());
    if (pbx_.TruthOf("PJSIP/alice").direction_told &&
        pbx_.TruthOf("PJSIP/alice_w").direction_told) {
      CheckPresence(FusedPresence(pbx_, person_), false);
    }
  }

  void CheckStale() { RC_ASSERT(sink_.updates.back().stale); }

  void CheckPresence(const std::string& state, bool stale) {
    const testing::RecordedUpdate& last = sink_.updates.back();
    RC_ASSERT(ToString(last.state) == state);
    RC_ASSERT(last.stale == stale);
    RC_ASSERT(last.emitting == pbx_.TruthOf("PJSIP/alice").emitting);
    for (std::size_t i = 1; i < sink_.updates.size(); ++i) {
      RC_ASSERT(sink_.updates[i].revision == sink_.updates[i - 1].revision + 1);
    }
  }

  testing::FakeClock clock_;
  testing::RecordingSink sink_;
  Engine engine_;
  testing::ScriptedAsterisk asterisk_;
  testing::VirtualDriver* driver_ = nullptr;  // of link_
  std::optional<PbxLink> link_;
  DeviceFactTable facts_;
  bool heard_ = true;
  unsigned unheard_ = 0;
  std::deque<std::string> wire_;
  NaivePbx pbx_;
  Person person_;
};

RC_GTEST_PROP(PbxProperty, RandomLivesEndInTheNaiveTruth, ()) {
  const std::vector<Step> steps = *Lives();
  Life life;
  for (const Step& step : steps) life.Do(step);
}

}  // namespace
}  // namespace unipresence::pbx
