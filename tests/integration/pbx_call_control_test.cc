// Commands on calls, to an Asterisk that the test plays: what is sent when, and who is told what.

#include "aggregator/pipeline/pbx_call_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "aggregator/ami/message.h"
#include "tests/testing/users.h"
#include "tests/unit/pbx/call_events.h"
#include "tests/unit/pipeline/site.h"

namespace unipresence {
namespace {

using ::testing::HasSubstr;
using testing::UniqueAccount;

const pbx::Chan kAlice{"alice", 1};
const pbx::Chan kBob{"bob", 2};
constexpr std::string_view kReached = "Response: Success\nActionID: $ID\nValue: 1\n\n";
constexpr std::string_view kNotReached = "Response: Success\nActionID: $ID\nValue: 0\n\n";
constexpr std::string_view kDone = "Response: Success\nActionID: $ID\nMessage: done\n\n";
constexpr std::string_view kRefused = "Response: Error\nActionID: $ID\nMessage: refused\n\n";

// What a command answered, once it has.
template <typename T>
class Told {
 public:
  void operator()(absl::StatusOr<T> answer) const { *answer_ = std::move(answer); }
  bool told() const { return answer_->has_value(); }
  bool ok() const { return told() && (*answer_)->ok(); }
  const T& value() const { return (*answer_)->value(); }
  std::optional<CallProblem> problem() const {
    return told() ? CallProblemOf((*answer_)->status()) : std::nullopt;
  }

 private:
  std::shared_ptr<std::optional<absl::StatusOr<T>>> answer_ =
      std::make_shared<std::optional<absl::StatusOr<T>>>();
};

// An Asterisk at the other end of a synced link, which answers when the test says so.
class PlayedAsterisk {
 public:
  explicit PlayedAsterisk(Site& site) : site_(site) {
    site_.on_action = [this](const std::string& action) {
      ++actions_;
      action_ = action;
      return false;
    };
  }
  // Its line feeds stand for CR LF and $ID for the newest ActionID.
  void Says(std::string_view text) {
    Look();
    std::string wire;
    for (const char c : text) wire += c == '\n' ? "\r\n" : std::string(1, c);
    const std::size_t id = wire.find("$ID");
    wire.replace(id, 3, ami::Message(action_).Get("ActionID"));
    site_.Says(wire);
  }
  // The newest; all of them counted.
  const std::string& action() {
    Look();
    return action_;
  }
  int actions() {
    Look();
    return actions_;
  }

 private:
  // Takes what was sent.
  void Look() {
    site_.Run([](Core&) {});
  }

  Site& site_;
  std::string action_;
  int actions_ = 0;
};

PbxOptions WithoutWriteBack() {
  PbxOptions options = Site::DefaultPbx();
  options.write_back = false;
  return options;
}

class PbxCallControlTest : public ::testing::Test {
 protected:
  PbxCallControlTest() {
    site_.Open([](Core& core) {
      EXPECT_TRUE(core.engine.AddUser(UniqueAccount("alice", "101"), {}).ok());
    });
    site_.Connect();
    asterisk_.emplace(site_);
  }

  // Alice talks to bob; returns the call's id.
  std::string Talk() {
    for (const std::string& event :
         {pbx::Newchannel(kBob, pbx::kRing), pbx::Newchannel(kAlice, pbx::kDown, kBob),
          pbx::Newstate(kAlice, pbx::kUp), pbx::Newstate(kBob, pbx::kUp), pbx::Enter("b1", kAlice),
          pbx::Enter("b1", kBob)}) {
      site_.Says(event + "\r\n");
    }
    const absl::StatusOr<LiveCalls> live = calls_.List("alice");
    EXPECT_TRUE(live.ok() && live->calls.size() == 1);
    return live->calls.at(0).id;
  }
  Told<AttendedTransfer> Start(const std::string& call) {
    Told<AttendedTransfer> told;
    calls_.StartAttendedTransfer("alice", call, "2000", told);
    return told;
  }
  Told<LiveCall> Place(const std::string& request_id) {
    Told<LiveCall> told;
    calls_.Place({.user = "alice", .destination = "2000", .request_id = request_id}, told);
    return told;
  }
  void Passes(Duration time) { site_.Passes(time); }

  Site site_{{}, WithoutWriteBack()};
  CallControl& calls_ = *site_.turn().core().calls;
  std::optional<PlayedAsterisk> asterisk_;
};

TEST_F(PbxCallControlTest, AnAttendedTransferBeginsOnce) {
  const std::string call = Talk();
  const int before = asterisk_->actions();
  const Told<AttendedTransfer> first = Start(call);
  EXPECT_EQ(Start(call).problem(), CallProblem::kCallState);
  std::optional<absl::Status> blind;
  calls_.Transfer("alice", call, "2001", [&blind](absl::Status status) { blind = status; });
  ASSERT_TRUE(blind.has_value());
  EXPECT_EQ(CallProblemOf(*blind), CallProblem::kCallState) << "nor is it transferred meanwhile";
  EXPECT_EQ(asterisk_->actions(), before + 1);
  EXPECT_THAT(asterisk_->action(), HasSubstr("DIALPLAN_EXISTS(default,2000,1)"));
  asterisk_->Says(kReached);
  EXPECT_THAT(asterisk_->action(), HasSubstr("DIALPLAN_EXISTS(unipresence-consult,2000,1)"));
  EXPECT_EQ(Start(call).problem(), CallProblem::kCallState);
  asterisk_->Says(kReached);
  EXPECT_THAT(asterisk_->action(), HasSubstr("Action: Redirect"));
  EXPECT_EQ(asterisk_->actions(), before + 6) << "three Setvar and the Redirect";
  EXPECT_EQ(Start(call).problem(), CallProblem::kCallState);
  EXPECT_FALSE(first.told());
  asterisk_->Says(kDone);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first.value().call.id, call);
  EXPECT_EQ(Start(call).problem(), CallProblem::kCallState);
  EXPECT_EQ(asterisk_->actions(), before + 6);
}

TEST_F(PbxCallControlTest, AnAttendedTransferThatDidNotBeginCanBeTriedAgain) {
  const std::string call = Talk();
  Told<AttendedTransfer> refused = Start(call);
  asterisk_->Says(kNotReached);
  EXPECT_EQ(refused.problem(), CallProblem::kDestinationForbidden);
  refused = Start(call);
  asterisk_->Says(kReached);
  asterisk_->Says(kNotReached);
  EXPECT_EQ(refused.problem(), CallProblem::kCallState) << "no deploy/asterisk there";
  refused = Start(call);
  asterisk_->Says(kReached);
  asterisk_->Says(kReached);
  asterisk_->Says(kRefused);
  EXPECT_EQ(refused.problem(), CallProblem::kCallState);
  const Told<AttendedTransfer> begun = Start(call);
  asterisk_->Says(kReached);
  asterisk_->Says(kReached);
  asterisk_->Says(kDone);
  EXPECT_TRUE(begun.ok());
}

TEST_F(PbxCallControlTest, ACallIsPlacedOnceThePbxAcceptedIt) {
  const Told<LiveCall> placed = Place("request-1");
  asterisk_->Says(kReached);
  EXPECT_THAT(asterisk_->action(), HasSubstr("Action: Originate"));
  Passes(PbxCallControl::kAppearsWithin * 2);
  EXPECT_FALSE(placed.told()) << "it may still be refused";
  asterisk_->Says(kDone);
  Passes(PbxCallControl::kAppearsWithin / 2);
  EXPECT_FALSE(placed.told()) << "its channel may still come";
  Passes(PbxCallControl::kAppearsWithin / 2);
  ASSERT_TRUE(placed.ok());
  EXPECT_EQ(placed.value().state, CallState::kOriginating);
  const int actions = asterisk_->actions();
  const Told<LiveCall> again = Place("request-1");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again.value().id, placed.value().id);
  EXPECT_EQ(asterisk_->actions(), actions);
}

TEST_F(PbxCallControlTest, ALateRefusalIsToldAndNotRemembered) {
  const Told<LiveCall> placed = Place("request-1");
  asterisk_->Says(kReached);
  Passes(PbxCallControl::kAppearsWithin * 2);
  asterisk_->Says(kRefused);
  EXPECT_EQ(placed.problem(), CallProblem::kCallState);
  const int actions = asterisk_->actions();
  EXPECT_FALSE(Place("request-1").told());
  EXPECT_EQ(asterisk_->actions(), actions + 1) << "it is dialled anew";
}

TEST(PlacedCallsTest, APendingCallIsNotForgotten) {
  PlacedCalls placed;
  const MonotonicTime start{};
  placed.Begin("alice", "request-1", start);
  const MonotonicTime late = start + 2 * PlacedCalls::kRemembered;
  PlacedCalls::Entry* const entry = placed.Find("alice", "request-1", late);
  ASSERT_NE(entry, nullptr);
  EXPECT_TRUE(entry->pending);
  Told<LiveCall> waits;
  entry->also.push_back(waits);
  EXPECT_EQ(placed.Finish("alice", "request-1", "main/1", LiveCall{}, /*keep=*/true).size(), 1u);
  EXPECT_EQ(placed.Find("alice", "request-1", late), nullptr) << "answered, it is too old";
}

TEST(PlacedCallsTest, AnAnswerIsRememberedForAWhile) {
  PlacedCalls placed;
  const MonotonicTime start{};
  placed.Begin("alice", "request-1", start);
  placed.Finish("alice", "request-1", "main/1", LiveCall{}, /*keep=*/true);
  const MonotonicTime end = start + PlacedCalls::kRemembered;
  ASSERT_NE(placed.Find("alice", "request-1", end - Duration(1)), nullptr);
  EXPECT_EQ(placed.Find("alice", "request-1", end - Duration(1))->call, "main/1");
  EXPECT_EQ(placed.Find("bob", "request-1", start), nullptr);
  EXPECT_EQ(placed.Find("alice", "request-1", end), nullptr);
  EXPECT_EQ(placed.size(), 0u);
}

}  // namespace
}  // namespace unipresence
