// Actions and their answers: correlation, lists, limits, timeouts, the end of the link.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "aggregator/ami/session.h"
#include "tests/unit/ami/scripted_session.h"

namespace unipresence::ami {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using S = ScriptedSession;

std::string Id(ScriptedSession& s, const absl::StatusOr<ActionToken>& token) {
  return s.session().ActionIdOf(*token);
}

std::string Row(const std::string& id, const std::string& device) {
  return "Event: DeviceStateChange\nActionID: " + id + "\nDevice: " + device + "\nState: INUSE\n\n";
}
std::string ListStart(const std::string& id) {
  return "Response: Success\nActionID: " + id + "\nEventList: start\nMessage: will follow\n\n";
}
std::string ListEnd(const std::string& id) {
  return "Event: DeviceStateListComplete\nActionID: " + id +
         "\nEventList: Complete\nListItems: 2\n\n";
}

TEST(SessionActionTest, AnswersAreMatchedByActionId) {
  ScriptedSession s;
  s.GoOnline();
  const auto a = s.session().Send(ActionBuilder("DBPut"), ActionKind::kSingle, s.Noting("a"));
  const auto b = s.session().Send(ActionBuilder("DBDel"), ActionKind::kSingle, s.Noting("b"));
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_NE(*a, *b);
  EXPECT_EQ(s.action(), "Action: DBDel\nActionID: $ID\n\n");
  EXPECT_EQ(s.probe().actions_in_flight.load(), 2u);
  s.Says("Response: Error\nActionID: " + Id(s, b) + "\nMessage: Database entry not found\n\n" +
         "Response: Success\nActionID: " + Id(s, a) +
         "\nMessage: Updated database successfully\n\n");
  EXPECT_THAT(s.heard(), ElementsAre("b: error Database entry not found",
                                     "a: success Updated database successfully", "read end"));
  EXPECT_EQ(s.probe().actions_in_flight.load(), 0u);
}

TEST(SessionActionTest, RowsAndLiveEventsComeInOneOrder) {
  ScriptedSession s;
  s.GoOnline();
  const auto token =
      s.session().Send(ActionBuilder("DeviceStateList"), ActionKind::kList, s.Noting("list"));
  ASSERT_TRUE(token.ok());
  const std::string id = Id(s, token);
  const std::string row = "row " + std::to_string(*token) + " DeviceStateChange";
  s.Says(ListStart(id) + Row(id, "PJSIP/a") + std::string(S::kEvent) + Row(id, "PJSIP/b"));
  s.Says(std::string(S::kEvent) + ListEnd(id) + std::string(S::kEvent));
  EXPECT_THAT(s.heard(), ElementsAre(row, "DeviceStateChange", row, "read end", "DeviceStateChange",
                                     "list: success ", "DeviceStateChange", "read end"));
  EXPECT_EQ(s.probe().rows.value(), 2u);
}

TEST(SessionActionTest, TwoListsAtOnce) {
  ScriptedSession s;
  s.GoOnline();
  const auto a =
      s.session().Send(ActionBuilder("DeviceStateList"), ActionKind::kList, s.Noting("a"));
  const auto b =
      s.session().Send(ActionBuilder("DeviceStateList"), ActionKind::kList, s.Noting("b"));
  s.Says(ListStart(Id(s, a)) + ListStart(Id(s, b)) + Row(Id(s, b), "x") + Row(Id(s, a), "y") +
         ListEnd(Id(s, b)) + ListEnd(Id(s, a)));
  EXPECT_THAT(s.heard(), ElementsAre("row " + std::to_string(*b) + " DeviceStateChange",
                                     "row " + std::to_string(*a) + " DeviceStateChange",
                                     "b: success ", "a: success ", "read end"));
}

TEST(SessionActionTest, ClosingEventTellsTheNumberOfRows) {
  ScriptedSession s;
  s.GoOnline();
  std::string items;
  const auto token = s.session().Send(
      ActionBuilder("CoreShowChannels"), ActionKind::kList,
      [&](const absl::StatusOr<ActionReply>& reply) { items = reply->message.Get("ListItems"); });
  s.Says(ListStart(Id(s, token)) + ListEnd(Id(s, token)));
  EXPECT_EQ(items, "2");
}

// As Asterisk 16 and 22 write it: the text ends in a lone LF.
TEST(SessionActionTest, AnEmptyListAsAnErrorIsAValue) {
  ScriptedSession s;
  s.GoOnline();
  const auto token =
      s.session().Send(ActionBuilder("PJSIPShowContacts"), ActionKind::kList, s.Noting("list"));
  s.SaysBytes("Response: Error\r\nActionID: " + Id(s, token) +
              "\r\nMessage: No Contacts found\n\r\n\r\n" + s.Wire(S::kEvent));
  EXPECT_THAT(s.heard(),
              ElementsAre("list: error No Contacts found", "DeviceStateChange", "read end"));
}

TEST(SessionActionTest, AStrayEmptyLineAfterAnAnswer) {
  ScriptedSession s;
  s.GoOnline();
  ASSERT_TRUE(s.session().Send(ActionBuilder("A"), ActionKind::kSingle, s.Noting("a")).ok());
  s.Says("Response: Error\nActionID: $ID\nMessage: No\n\n\n" + std::string(S::kEvent));
  EXPECT_THAT(s.heard(), ElementsAre("a: error No", "DeviceStateChange", "read end"));
}

// Asterisk 16 answers DBGet so; other modules put the ActionID last, or close without EventList.
TEST(SessionActionTest, OlderKindsOfLists) {
  ScriptedSession s;
  s.GoOnline();
  const auto db = s.session().Send(ActionBuilder("DBGet"), ActionKind::kList, s.Noting("db"));
  s.Says(
      "Response: Success\nActionID: $ID\nMessage: Result will follow\n\n"
      "Event: DBGetResponse\nFamily: f\nKey: k\nVal: v\nActionID: $ID\n\n"
      "Event: DBGetComplete\nActionID: $ID\n\n");
  EXPECT_THAT(s.heard(), ElementsAre("row " + std::to_string(*db) + " DBGetResponse",
                                     "db: success ", "read end"));
}

TEST(SessionActionTest, AListThatWasNotExpectedIsTakenAsOne) {
  ScriptedSession s;
  s.GoOnline();
  const auto token = s.session().Send(ActionBuilder("DBGet"), ActionKind::kSingle, s.Noting("db"));
  s.Says(ListStart(Id(s, token)) + Row(Id(s, token), "x"));
  s.Says(ListEnd(Id(s, token)));
  EXPECT_THAT(s.heard(), ElementsAre("row " + std::to_string(*token) + " DeviceStateChange",
                                     "read end", "db: success ", "read end"));
}

TEST(SessionActionTest, ACancelledListIsNotComplete) {
  ScriptedSession s;
  s.GoOnline();
  const auto token = s.session().Send(ActionBuilder("Status"), ActionKind::kList, s.Noting("list"));
  s.Says(ListStart(Id(s, token)) + "Event: StatusComplete\nActionID: " + Id(s, token) +
         "\nEventList: cancelled\n\n");
  EXPECT_THAT(s.heard(), ElementsAre("list: ABORTED", "read end"));
}

// It has both headers and tells how the call of an earlier Originate went.
TEST(SessionActionTest, OriginateResponseIsALiveEvent) {
  ScriptedSession s;
  s.GoOnline();
  const auto token =
      s.session().Send(ActionBuilder("Originate"), ActionKind::kSingle, s.Noting("o"));
  s.Says("Response: Success\nActionID: $ID\nMessage: Originate successfully queued\n\n");
  ActionToken named = 0;
  s.on_event = [&](const Message& event) { named = s.session().TokenOf(event.Get("ActionID")); };
  s.Says("Event: OriginateResponse\nPrivilege: call,all\nActionID: $ID\nResponse: Success\n\n");
  EXPECT_THAT(s.heard(), ElementsAre("o: success Originate successfully queued", "read end",
                                     "OriginateResponse", "read end"));
  EXPECT_EQ(named, *token);
}

TEST(SessionActionTest, TokensOfOthersAreNotOurs) {
  ScriptedSession s;
  s.GoOnline();
  const std::string mine = s.session().ActionIdOf(7);
  EXPECT_EQ(s.session().TokenOf(mine), 7u);
  for (const std::string& id :
       {std::string(), std::string("a1"), std::string("7"), mine + "x", "x" + mine,
        mine.substr(0, mine.size() - 1), mine + "99999999999999999999999999"}) {
    EXPECT_EQ(s.session().TokenOf(id), kLiveEvent) << id;
  }
}

TEST(SessionActionTest, NotBeforeOnline) {
  for (const SessionState state :
       {SessionState::kStopped, SessionState::kConnecting, SessionState::kBanner,
        SessionState::kLogin, SessionState::kBooting}) {
    ScriptedSession s;
    s.GoTo(state);
    const int before = s.actions();
    const auto sent = s.session().Send(ActionBuilder("DBPut"), ActionKind::kSingle, s.Noting("a"));
    EXPECT_EQ(sent.status().code(), absl::StatusCode::kUnavailable) << ToString(state);
    EXPECT_EQ(s.actions(), before);
  }
}

TEST(SessionActionTest, BadActionsAreRefused) {
  ScriptedSession s;
  s.GoOnline();
  ActionBuilder action("DBPut");
  action.Header("Val", "a\r\nAction: Command");
  const auto sent = s.session().Send(action, ActionKind::kSingle, s.Noting("a"));
  EXPECT_EQ(sent.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(s.probe().actions_in_flight.load(), 0u);
  s.Passes(seconds(1));
  EXPECT_THAT(s.heard(), IsEmpty());
}

TEST(SessionActionTest, InFlightIsBounded) {
  PbxConfig config = S::DefaultConfig();
  config.max_actions_in_flight = 3;
  ScriptedSession s(config);
  s.GoOnline();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(s.session().Send(ActionBuilder("DBPut"), ActionKind::kSingle, s.Noting("a")).ok());
  }
  const auto refused = s.session().Send(ActionBuilder("DBPut"), ActionKind::kSingle, s.Noting("b"));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("limit 3"));
  EXPECT_EQ(s.probe().actions_refused.value(), 1u);
  // Room again after an answer; from within the callback too.
  s.Says("Response: Success\nActionID: $ID\n\n");
  EXPECT_TRUE(s.session().Send(ActionBuilder("DBPut"), ActionKind::kSingle, s.Noting("c")).ok());
}

TEST(SessionActionTest, SendFromWithinACallback) {
  ScriptedSession s;
  s.GoOnline();
  int sent = 0;
  std::function<void()> next = [&] {
    ASSERT_TRUE(s.session()
                    .Send(ActionBuilder("DBPut"), ActionKind::kSingle,
                          [&](const absl::StatusOr<ActionReply>& reply) {
                            if (reply.ok() && ++sent < 5) next();
                          })
                    .ok());
  };
  next();
  for (int i = 0; i < 5; ++i) s.Says("Response: Success\nActionID: $ID\n\n");
  EXPECT_EQ(sent, 5);
}

TEST(SessionActionTest, AFullWriteQueueRefuses) {
  ScriptedSession s;
  s.GoOnline();
  s.RefuseWrites(true);
  const auto sent = s.session().Send(ActionBuilder("DBPut"), ActionKind::kSingle, s.Noting("a"));
  EXPECT_EQ(sent.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(sent.status().message()), HasSubstr("write queue"));
  EXPECT_EQ(s.probe().actions_in_flight.load(), 0u);
}

TEST(SessionActionTest, UnansweredActionsTimeOutOneByOne) {
  ScriptedSession s;
  s.GoOnline();
  const auto a = s.session().Send(ActionBuilder("A"), ActionKind::kSingle, s.Noting("a"));
  for (int i = 0; i < 9; ++i) {
    s.Passes(seconds(1));
    s.Says("\n");
  }
  ASSERT_TRUE(s.session().Send(ActionBuilder("B"), ActionKind::kSingle, s.Noting("b")).ok());
  s.Passes(milliseconds(1010));
  EXPECT_THAT(s.heard(), ElementsAre("a: DEADLINE_EXCEEDED"));
  s.Says("\n");
  EXPECT_EQ(s.probe().actions_timed_out.value(), 1u);
  EXPECT_TRUE(s.session().online());
  // Its answer after all: too late.
  s.Says("Response: Success\nActionID: " + Id(s, a) + "\n\n");
  EXPECT_THAT(s.heard(), ElementsAre("a: DEADLINE_EXCEEDED", "read end"));
  EXPECT_EQ(s.probe().stray_answers.value(), 1u);
}

TEST(SessionActionTest, AListLivesAsLongAsItsRowsCome) {
  ScriptedSession s;
  s.GoOnline();
  const auto token = s.session().Send(ActionBuilder("L"), ActionKind::kList, s.Noting("list"));
  s.Says(ListStart(Id(s, token)));
  for (int i = 0; i < 20; ++i) {
    s.Passes(seconds(2));
    s.Says(Row(Id(s, token), "x"));
  }
  EXPECT_EQ(s.probe().actions_timed_out.value(), 0u);
  s.heard().clear();
  // Live events do not keep it alive.
  for (int i = 0; i < 6; ++i) {
    s.Passes(seconds(2));
    s.Says("\n");
  }
  EXPECT_THAT(s.heard(), ElementsAre("list: DEADLINE_EXCEEDED"));
  // Rows of a list that is given up must not pass for live events.
  s.Says(Row(Id(s, token), "x") + ListEnd(Id(s, token)));
  EXPECT_THAT(s.heard(), ElementsAre("list: DEADLINE_EXCEEDED", "read end"));
  EXPECT_EQ(s.probe().stray_answers.value(), 2u);
}

// A row each nine seconds would keep a list alive for ever.
TEST(SessionActionTest, AListThatTricklesIsGivenUpAsAWhole) {
  ScriptedSession s;
  s.GoOnline();
  const auto token =
      s.session().Send(ActionBuilder("DeviceStateList"), ActionKind::kList, s.Noting("list"));
  s.Says(ListStart(Id(s, token)));
  int rows = 0;
  for (; s.probe().actions_timed_out.value() == 0 && rows < 100; ++rows) {
    s.Says(Row(Id(s, token), "PJSIP/a"));
    s.Passes(seconds(2));
  }
  EXPECT_THAT(s.heard().back(), "list: DEADLINE_EXCEEDED");
  EXPECT_THAT(rows, ::testing::AllOf(::testing::Ge(30), ::testing::Le(32)));
  // What still comes of it is nobody's, and the link lives.
  s.Says(Row(Id(s, token), "PJSIP/a") + ListEnd(Id(s, token)));
  EXPECT_EQ(s.probe().stray_answers.value(), 2u);
  EXPECT_TRUE(s.session().online());
}

// A million rows, a thousand a second: 17 minutes.
TEST(SessionActionTest, ALongListHasItsTime) {
  ScriptedSession s;
  s.GoOnline();
  const auto token =
      s.session().Send(ActionBuilder("DeviceStateList"), ActionKind::kList, s.Noting("list"));
  s.Says(ListStart(Id(s, token)));
  std::string second;
  for (int i = 0; i < 1'000; ++i) second += s.Wire(Row(Id(s, token), "PJSIP/a"));
  for (int i = 0; i < 1'000; ++i) {
    s.SaysBytes(second);
    s.Passes(seconds(1));
    s.heard().clear();
  }
  s.Says(ListEnd(Id(s, token)));
  EXPECT_THAT(s.heard(), ElementsAre("list: success ", "read end"));
  EXPECT_EQ(s.probe().rows.value(), 1'000'000u);
}

// And one of any pace has an end.
TEST(SessionActionTest, AListWithoutAnEndIsGivenUp) {
  ScriptedSession s;
  s.GoOnline();
  const auto token =
      s.session().Send(ActionBuilder("DeviceStateList"), ActionKind::kList, s.Noting("list"));
  s.Says(ListStart(Id(s, token)));
  std::string second;
  for (int i = 0; i < 101; ++i) second += s.Wire(Row(Id(s, token), "PJSIP/a"));
  int seconds_passed = 0;
  for (; s.probe().actions_timed_out.value() == 0 && seconds_passed < 4'000; ++seconds_passed) {
    s.SaysBytes(second);
    s.Passes(seconds(1));
  }
  EXPECT_EQ(seconds_passed, 30 * 60);
}

// ---- Messages beyond the limits ----

std::string Huge(std::size_t size) { return "X: " + std::string(size, 'x') + "\n"; }

TEST(SessionSkipTest, AHugeEventCostsItselfOnly) {
  ScriptedSession s;
  s.GoOnline();
  const std::string huge =
      "Event: UserEvent\nPrivilege: user,all\nUserEvent: Other\n" + Huge(71'000) + "\n";
  for (int i = 0; i < 10; ++i) s.Says(huge);
  s.Says(std::string(S::kEvent) + huge + std::string(S::kEvent));
  EXPECT_THAT(s.heard(), ::testing::Contains("DeviceStateChange").Times(2));
  EXPECT_THAT(s.heard(), ::testing::Not(::testing::Contains("UserEvent")));
  EXPECT_TRUE(s.session().online());
  EXPECT_EQ(s.probe().skipped_messages.value(), 11u);
  EXPECT_EQ(s.probe().protocol_errors.value(), 0u);
}

TEST(SessionSkipTest, AHugeRowIsMissingInItsList) {
  for (const bool named_last : {false, true}) {
    ScriptedSession s;
    s.GoOnline();
    std::size_t skipped = 0;
    const auto token = s.session().Send(
        ActionBuilder("DeviceStateList"), ActionKind::kList,
        [&](const absl::StatusOr<ActionReply>& reply) { skipped = reply->skipped_rows; });
    const std::string id = "ActionID: " + Id(s, token) + "\n";
    s.Says(ListStart(Id(s, token)) + Row(Id(s, token), "PJSIP/a"));
    s.Says("Event: DeviceStateChange\n" + (named_last ? Huge(9'000) + id : id + Huge(9'000)) +
           "\n");
    s.Says(Row(Id(s, token), "PJSIP/b") + ListEnd(Id(s, token)));
    EXPECT_EQ(s.probe().rows.value(), 2u);
    EXPECT_EQ(skipped, 1u);
    EXPECT_EQ(s.probe().actions_in_flight.load(), 0u);
  }
}

TEST(SessionSkipTest, AnActionWhoseAnswerIsHugeEnds) {
  const std::string id = "ActionID: $ID\n";
  for (const std::string& answer : {
           "Response: Success\n" + id + Huge(9'000) + "\n",
           "Response: Error\n" + Huge(9'000) + id + "\n",
           Huge(9'000) + "Response: Success\n" + id + "\n",
           "Event: ListComplete\n" + id + Huge(70'000) + "\n",
           "Event: End\n" + Huge(70'000) + "EventList: Complete\n" + id + "\n",
       }) {
    ScriptedSession s;
    s.GoOnline();
    ASSERT_TRUE(s.session().Send(ActionBuilder("A"), ActionKind::kList, s.Noting("a")).ok());
    s.Says(answer + std::string(S::kEvent));
    EXPECT_THAT(s.heard(), ElementsAre("a: DATA_LOSS", "DeviceStateChange", "read end"));
    EXPECT_EQ(s.probe().actions_in_flight.load(), 0u);
  }
}

TEST(SessionSkipTest, DuringTheLogin) {
  const std::string huge = "Event: UserEvent\nPrivilege: user,all\n" + Huge(71'000) + "\n";
  ScriptedSession s;
  s.GoTo(SessionState::kLogin);
  const std::string accepted = s.Wire(S::kAccepted);
  s.Says(huge);
  s.SaysBytes(accepted);
  s.Says(huge);
  s.Says(S::kFullyBooted);
  EXPECT_TRUE(s.session().online());

  ScriptedSession refused;
  refused.GoTo(SessionState::kLogin);
  refused.Says("Response: Success\nActionID: $ID\n" + Huge(9'000) + "\n");
  EXPECT_EQ(refused.session().state(), SessionState::kBackoff);
  EXPECT_THAT(refused.probe().last_error(), HasSubstr("beyond the limits"));
}

TEST(SessionActionTest, TheEndOfTheLinkFailsAllBeforeTheHandlerHears) {
  ScriptedSession s;
  s.GoOnline();
  ASSERT_TRUE(s.session().Send(ActionBuilder("A"), ActionKind::kSingle, s.Noting("a")).ok());
  ASSERT_TRUE(s.session().Send(ActionBuilder("B"), ActionKind::kList, s.Noting("b")).ok());
  s.Closes();
  EXPECT_THAT(s.heard(), ElementsAre("a: UNAVAILABLE", "b: UNAVAILABLE", StartsWith("offline")));
  EXPECT_EQ(s.probe().actions_in_flight.load(), 0u);
}

TEST(SessionActionTest, ACallbackThatSendsWhenTheLinkEndsIsRefused) {
  ScriptedSession s;
  s.GoOnline();
  absl::Status again;
  ASSERT_TRUE(s.session()
                  .Send(ActionBuilder("A"), ActionKind::kSingle,
                        [&](const absl::StatusOr<ActionReply>&) {
                          again = s.session()
                                      .Send(ActionBuilder("A"), ActionKind::kSingle, s.Noting("x"))
                                      .status();
                        })
                  .ok());
  s.Closes();
  EXPECT_EQ(again.code(), absl::StatusCode::kUnavailable);
}

TEST(SessionActionTest, ACallbackThatStopsTheSession) {
  ScriptedSession s;
  s.GoOnline();
  ASSERT_TRUE(s.session()
                  .Send(ActionBuilder("A"), ActionKind::kSingle,
                        [&](const absl::StatusOr<ActionReply>&) {
                          s.session().Stop();
                          s.Note("stopped");
                        })
                  .ok());
  ASSERT_TRUE(s.session().Send(ActionBuilder("B"), ActionKind::kSingle, s.Noting("b")).ok());
  s.Closes();
  // Everything that Stop() promises happens before it returns, and once.
  EXPECT_THAT(s.heard(), ElementsAre("b: UNAVAILABLE", "offline: stopped", "stopped"));
  EXPECT_EQ(s.session().state(), SessionState::kStopped);
}

TEST(SessionActionTest, AnErrorWithoutActionIdIsKept) {
  ScriptedSession s;
  s.GoOnline();
  s.Says("Response: Error\nMessage: Missing action in request\n\n");
  EXPECT_THAT(s.probe().last_error(), HasSubstr("Missing action in request"));
  EXPECT_EQ(s.probe().stray_answers.value(), 1u);
}

TEST(SessionActionTest, WithoutACallback) {
  ScriptedSession s;
  s.GoOnline();
  ASSERT_TRUE(s.session().Send(ActionBuilder("A"), ActionKind::kSingle, nullptr).ok());
  s.Says("Response: Success\nActionID: $ID\n\n");
  ASSERT_TRUE(s.session().Send(ActionBuilder("A"), ActionKind::kSingle, nullptr).ok());
  s.Closes();
  EXPECT_EQ(s.probe().actions_in_flight.load(), 0u);
}

TEST(SessionActionTest, MessagesThatAreNeitherEventNorResponseArePassedOver) {
  ScriptedSession s;
  s.GoOnline();
  s.Says("Foo: bar\n\n" + std::string(S::kEvent));
  EXPECT_THAT(s.heard(), ElementsAre("DeviceStateChange", "read end"));
  EXPECT_EQ(s.probe().protocol_errors.value(), 1u);
  EXPECT_TRUE(s.session().online());
}

}  // namespace
}  // namespace unipresence::ami
