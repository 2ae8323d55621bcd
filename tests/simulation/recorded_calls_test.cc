// The calls of the simulated PBX beside the same calls on a real Asterisk: each channel goes
// through the same steps and each phone through the same device states.

#include <functional>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/people.h"

namespace unipresence::simulation {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAreArray;

struct RecordedCall {
  std::string name;
  std::string file;
  std::function<void(PeoplePbx&)> play;
  // Stories of Asterisk that are not played: other phones, or a phone that did something else.
  std::set<std::string> ignored;
};

constexpr char kTraces[] = UNIPRESENCE_SOURCE_DIR "/tests/data/traces/";
constexpr char kRecorded[] = UNIPRESENCE_SOURCE_DIR "/tests/simulation/recorded/";

// As the traces begin: alice, alice_w and carol register; carol is busy from one call on.
void RegisterAsInTraces(PeoplePbx& people, bool with_bob = false) {
  people.pbx.phones().SetBusyAt(people.Phone("carol"), 1);
  for (const char* phone : {"alice", "alice_w", "carol"}) {
    people.pbx.phones().Register(people.Phone(phone));
  }
  if (with_bob) people.pbx.phones().Register(people.Phone("bob"));
}

void Expect(const absl::Status& status) { EXPECT_TRUE(status.ok()) << status; }

void EmitsAndHangsUp(PeoplePbx& people, const char* phone, const char* who_ends) {
  RegisterAsInTraces(people);
  people.Dial(phone, "1002");
  Expect(people.pbx.calls().Answer(people.Channel("carol")));
  Expect(people.pbx.calls().Hangup(people.Channel(who_ends)));
}

void DeskEmitsCancelled(PeoplePbx& people) {
  RegisterAsInTraces(people);
  people.Dial("alice", "1002");
  Expect(people.pbx.calls().Hangup(people.Channel("alice")));
}

void DeskEmitsHold(PeoplePbx& people) {
  Calls& calls = people.pbx.calls();
  RegisterAsInTraces(people);
  people.Dial("alice", "1002");
  Expect(calls.Answer(people.Channel("carol")));
  Expect(calls.Hold(people.Channel("alice")));
  Expect(calls.Unhold(people.Channel("alice")));
  Expect(calls.Hold(people.Channel("carol")));
  Expect(calls.Unhold(people.Channel("carol")));
  Expect(calls.Hangup(people.Channel("carol")));
}

void Originate(PeoplePbx& people) {
  Calls& calls = people.pbx.calls();
  RegisterAsInTraces(people);
  Expect(calls.Originate({"PJSIP/alice", "default", "1002", "a8"}).status());
  Expect(calls.Answer(people.Channel("alice")));
  Expect(calls.Answer(people.Channel("carol")));
  Expect(calls.Hangup(people.Channel("alice")));
}

void ReceivedHold(PeoplePbx& people) {
  Calls& calls = people.pbx.calls();
  RegisterAsInTraces(people);
  people.Select("1000", "PJSIP/alice_w");
  people.Dial("carol", "1000");
  Expect(calls.Answer(people.Channel("alice_w")));
  Expect(calls.Hold(people.Channel("alice_w")));
  Expect(calls.Unhold(people.Channel("alice_w")));
  Expect(calls.Hangup(people.Channel("alice_w")));
}

void DeskReceived(PeoplePbx& people) {
  RegisterAsInTraces(people);
  people.Dial("carol", "1000");
  Expect(people.pbx.calls().Answer(people.Channel("alice")));
  Expect(people.pbx.calls().Hangup(people.Channel("carol")));
}

void CallWaiting(PeoplePbx& people) {
  Calls& calls = people.pbx.calls();
  RegisterAsInTraces(people, /*with_bob=*/true);
  people.Select("1000", "PJSIP/alice_w");
  people.Dial("carol", "1000");
  const ChannelId first = people.Channel("alice_w");
  Expect(calls.Answer(first));
  people.Dial("bob", "1000");
  Expect(calls.Hold(first));
  const ChannelId second = people.Channel("alice_w");
  Expect(calls.Answer(second));
  Expect(calls.Hold(second));
  Expect(calls.Unhold(first));
  Expect(calls.Hangup(people.Channel("bob")));
  Expect(calls.Hangup(people.Channel("carol")));
}

void BlindTransfer(PeoplePbx& people) {
  Calls& calls = people.pbx.calls();
  RegisterAsInTraces(people, /*with_bob=*/true);
  people.Select("1000", "PJSIP/alice_w");
  people.Dial("carol", "1000");
  Expect(calls.Answer(people.Channel("alice_w")));
  Expect(calls.BlindTransfer(people.Channel("alice_w"), "1001"));
  Expect(calls.Answer(people.Channel("bob")));
  Expect(calls.Hangup(people.Channel("carol")));
}

void StopDuringACall(PeoplePbx& people) {
  RegisterAsInTraces(people);
  people.Dial("alice", "1002");
  Expect(people.pbx.calls().Answer(people.Channel("carol")));
  people.pbx.calls().HangupAll();
}

void AttendedTransfer(PeoplePbx& people) {
  Calls& calls = people.pbx.calls();
  people.RegisterAll();
  people.Dial("carol", "1000");
  const ChannelId first = people.Channel("alice");
  Expect(calls.Answer(first));
  Expect(calls.Hold(first));
  people.Dial("alice", "1001");
  Expect(calls.Answer(people.Channel("bob")));
  Expect(calls.AttendedTransfer(first, people.Channel("alice")));
}

void Pickup(PeoplePbx& people) {
  Calls& calls = people.pbx.calls();
  people.RegisterAll();
  people.Dial("bob", "1002");
  Expect(calls.Pickup(people.Phone("alice"), "1002").status());
  Expect(calls.Hangup(people.Channel("alice")));
  people.Dial("alice", "1002");
  Expect(calls.Hangup(people.Channel("alice")));
}

class RecordedCallTest : public ::testing::TestWithParam<RecordedCall> {};

TEST_P(RecordedCallTest, GoesTheSameWay) {
  const RecordedCall& call = GetParam();
  auto expected = Stories(ParseWire(ReadFile(call.file)));
  for (const std::string& name : call.ignored) expected.erase(name);
  PeoplePbx people;
  call.play(people);
  EXPECT_THAT(Stories(people.recorder.messages()), UnorderedElementsAreArray(expected));
}

// The same with the events of each instant interleaved at random.
TEST_P(RecordedCallTest, GoesTheSameWayInAnyInterleaving) {
  PeoplePbx plain;
  GetParam().play(plain);
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    PeoplePbx people(seed);
    GetParam().play(people);
    EXPECT_EQ(Stories(people.recorder.messages()), Stories(plain.recorder.messages())) << seed;
  }
}

std::vector<RecordedCall> RecordedCalls() {
  const std::string traces = kTraces;
  const std::string recorded = kRecorded;
  return {
      {"DeskEmitsAnswered",
       traces + "10_desk_emits_answered.ami",
       [](PeoplePbx& people) { EmitsAndHangsUp(people, "alice", "alice"); },
       {}},
      {"DeskEmitsCancelled", traces + "11_desk_emits_cancelled.ami", DeskEmitsCancelled, {}},
      {"DeskEmitsHold", traces + "13_desk_emits_hold.ami", DeskEmitsHold, {}},
      {"WebEmitsAnswered",
       traces + "14_web_emits_answered.ami",
       [](PeoplePbx& people) { EmitsAndHangsUp(people, "alice_w", "alice_w"); },
       {}},
      {"ClickToCall", traces + "16_originate_click_to_call.ami", Originate, {}},
      {"WebReceivedHold", traces + "20_web_received_hold_resume.ami", ReceivedHold, {}},
      {"DeskReceived", traces + "21_desk_received.ami", DeskReceived, {}},
      {"CallWaiting", traces + "25_call_waiting_ringinuse.ami", CallWaiting, {}},
      {"BlindTransfer", traces + "40_blind_transfer.ami", BlindTransfer, {}},
      {"StopDuringACall", traces + "61_stop_sigterm.ami", StopDuringACall, {}},
      {"AttendedTransfer", recorded + "attended_transfer.ami", AttendedTransfer, {}},
      {"Pickup", recorded + "pickup.ami", Pickup, {}},
  };
}

INSTANTIATE_TEST_SUITE_P(Calls, RecordedCallTest, ::testing::ValuesIn(RecordedCalls()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace unipresence::simulation
