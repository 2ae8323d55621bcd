#include "clients/cli/format_table.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "clients/cli/words.h"
#include "tests/unit/cli/captured_output.h"

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

std::vector<std::string> Texts(const std::vector<Cell>& cells) {
  std::vector<std::string> texts;
  for (const Cell& cell : cells) texts.push_back(cell.text);
  return texts;
}

constexpr char kAlice[] = R"pb(
  user: "alice"
  state: PRESENCE_STATE_IN_USE
  hint: 1
  device_in_use: LINE_KIND_WEBRTC
  rule: RULE_DESKPHONE_EMITTED_CALL
  selected_device: LINE_KIND_WEBRTC
  logged_in: true
  emitting: true
  lines { kind: LINE_KIND_DESKPHONE device: "PJSIP/alice" state: DEVICE_STATE_INUSE holding: true }
  lines { kind: LINE_KIND_WEBRTC device: "PJSIP/alice_w" state: DEVICE_STATE_NOT_INUSE }
  update_time { seconds: 0 }
)pb";

TEST(PresenceRowTest, SaysWhatColleaguesSeeAndWhy) {
  EXPECT_THAT(Texts(PresenceRow(Parse<v1::Presence>(kAlice))),
              ElementsAre("alice", "IN_USE", "WEBRTC", "WEBRTC", "yes", "DESKPHONE_EMITTED_CALL",
                          "DESKPHONE=INUSE WEBRTC=NOT_INUSE", "DESKPHONE holds"));
  EXPECT_EQ(PresenceRow(v1::Presence()).size(), PresenceHeader().size());
}

TEST(MailboxRowTest, StandsInTheColumnsOfUpdates) {
  const auto box = Parse<v1::Mailbox>(
      "user: 'alice' mailbox: '1001@default' new_message_count: 2 old_message_count: 1 pbx: 'main' "
      "stale: true update_time { seconds: 3661 }");
  EXPECT_THAT(Texts(MailboxRow(box)),
              ElementsAre("01:01:01.000000", "alice", "(voicemail)", "", "", "",
                          "2 new, 1 old in 1001@default on main", "stale"));
  EXPECT_EQ(MailboxRow(box).size(), UpdateHeader().size());
  EXPECT_EQ(Texts(MailboxRow(Parse<v1::Mailbox>("user: 'bob'")))[6], "no box any more");
}

TEST(PresenceRowTest, NotesWhatStandsBesideTheState) {
  auto presence = Parse<v1::Presence>(
      "stale: true do_not_disturb: true active_forwardings: FORWARDING_CONDITION_UNCONDITIONAL");
  EXPECT_EQ(Texts(PresenceRow(presence)).back(), "stale, do-not-disturb, forwarding:UNCONDITIONAL");
}

TEST(PresenceRowTest, ALineOfALaterKindIsShownByItsDevice) {
  v1::Presence presence;
  v1::LinePresence& line = *presence.add_lines();
  line.set_kind(static_cast<v1::LineKind>(7));
  line.set_device("PJSIP/mobile");
  EXPECT_THAT(Texts(PresenceRow(presence)), ::testing::Contains("PJSIP/mobile=-"));
}

TEST(UpdateRowTest, AChange) {
  v1::PresenceUpdate update;
  *update.mutable_presence() = Parse<v1::Presence>(kAlice);
  update.set_previous_state(v1::PRESENCE_STATE_AVAILABLE);
  *update.mutable_cause() = Parse<v1::Cause>(R"pb(kind: CAUSE_KIND_NEWCHANNEL
                                                  pbx: "main"
                                                  device: "PJSIP/alice"
                                                  time { seconds: 1 })pb");
  EXPECT_THAT(
      Texts(UpdateRow(update)),
      ElementsAre("00:00:01.000000", "alice", "IN_USE", "AVAILABLE", "WEBRTC",
                  "DESKPHONE_EMITTED_CALL", "NEWCHANNEL PJSIP/alice on main", "DESKPHONE holds"));
  EXPECT_EQ(UpdateRow(update).size(), UpdateHeader().size());
  EXPECT_EQ(UpdateWidths().size(), UpdateHeader().size());
}

TEST(UpdateRowTest, ARefreshIsNoChange) {
  v1::PresenceUpdate update;
  *update.mutable_presence() = Parse<v1::Presence>(kAlice);
  update.set_previous_state(v1::PRESENCE_STATE_AVAILABLE);
  update.set_refresh(true);
  const std::vector<std::string> texts = Texts(UpdateRow(update));
  EXPECT_EQ(texts[0], "00:00:00.000000");
  EXPECT_EQ(texts[3], "");
  EXPECT_EQ(texts[6], "");
}

TEST(UpdateRowTest, ColumnsAreWideEnoughForAllWords) {
  const std::vector<std::size_t> widths = UpdateWidths();
  for (const std::string& word : PresenceStateWords()) EXPECT_LE(word.size(), widths[2]);
  for (int rule = 1; rule <= v1::Rule_MAX; ++rule) {
    EXPECT_LE(Word(static_cast<v1::Rule>(rule)).size(), widths[5]);
  }
}

TEST(CauseTextTest, NamesDevicePbxAndState) {
  EXPECT_EQ(CauseText(Parse<v1::Cause>(R"pb(
              kind: CAUSE_KIND_DEVICE_STATE_CHANGE
              pbx: "main"
              device: "PJSIP/alice"
              device_state: DEVICE_STATE_RINGING)pb")),
            "DEVICE_STATE_CHANGE PJSIP/alice on main: RINGING");
  EXPECT_EQ(
      CauseText(Parse<v1::Cause>("kind: CAUSE_KIND_LOGIN device_state: DEVICE_STATE_UNKNOWN")),
      "LOGIN");
  EXPECT_EQ(CauseText(Parse<v1::Cause>(R"pb(kind: CAUSE_KIND_LINK_LOST pbx: "main")pb")),
            "LINK_LOST on main");
}

v1::ExplainPresenceResponse Explanation() {
  auto explanation = Parse<v1::ExplainPresenceResponse>(R"pb(
    sentence: "The deskphone makes a call."
    inputs {
      line_type: LINE_TYPE_UNIQUE_ACCOUNT
      deskphone_state: DEVICE_STATE_INUSE
      webrtc_state: DEVICE_STATE_NOT_INUSE
      logged_in: true
      selected_device: LINE_KIND_WEBRTC
      emitting: true
      webrtc_reachable: true
    }
    lines {
      line { kind: LINE_KIND_DESKPHONE device: "PJSIP/alice" pbx: "main" state: DEVICE_STATE_INUSE }
      reported_state: DEVICE_STATE_NOT_INUSE
      in_call: true
      emitting: true
      link_state: PBX_LINK_STATE_READY
    }
    causes {
      cause {
        kind: CAUSE_KIND_NEWCHANNEL
        pbx: "main"
        device: "PJSIP/alice"
        time { seconds: 2 }
      }
      state: PRESENCE_STATE_IN_USE
      rule: RULE_DESKPHONE_EMITTED_CALL
      revision: 5
    }
    assistant_session_count: 1)pb");
  *explanation.mutable_presence() = Parse<v1::Presence>(kAlice);
  return explanation;
}

TEST(WriteExplanationTest, TellsTheStoryFromResultToCause) {
  CapturedOutput captured;
  WriteExplanation(Explanation(), captured.output());
  EXPECT_EQ(captured.Text(),
            R"(alice is IN_USE (hint 1); calls ring on WEBRTC.
Beside it: DESKPHONE holds.

Rule DESKPHONE_EMITTED_CALL: The deskphone makes a call.

Inputs
  line type        UNIQUE_ACCOUNT
  logged in        yes (sessions: 1 assistant, 0 client)
  selected device  WEBRTC
  deskphone (D)    INUSE, in a call that it made
  WebRTC line (W)  NOT_INUSE, reachable, not active

Lines
  KIND       DEVICE       PBX   LINK   STATE  ASTERISK SAYS  CALLS
  DESKPHONE  PJSIP/alice  main  READY  INUSE  NOT_INUSE      in a call, made by itself

What led here, newest first
  TIME                         STATE AFTER  RULE AFTER              REVISION  CAUSE
  1970-01-01T00:00:02.000000Z  IN_USE       DESKPHONE_EMITTED_CALL  5         NEWCHANNEL PJSIP/alice on main
)");
}

TEST(WriteExplanationTest, SaysLoudlyThatItIsStale) {
  auto explanation = Explanation();
  explanation.mutable_presence()->set_stale(true);
  CapturedOutput captured;
  WriteExplanation(explanation, captured.output());
  EXPECT_THAT(captured.Text(), HasSubstr("STALE: the link to a PBX of this user is down"));
}

TEST(WriteExplanationTest, AUserWithOneLineHasNoInputsOfTheOther) {
  auto explanation = Explanation();
  explanation.mutable_inputs()->set_webrtc_state(v1::DEVICE_STATE_UNSPECIFIED);
  explanation.clear_causes();
  CapturedOutput captured;
  WriteExplanation(explanation, captured.output());
  EXPECT_THAT(captured.Text(), Not(HasSubstr("WebRTC line")));
  EXPECT_THAT(captured.Text(), HasSubstr("No causes are remembered."));
}

TEST(PbxRowTest, ShowsLinkAndLastError) {
  const auto row = PbxRow(Parse<v1::Pbx>(R"pb(
    name: "main"
    address: "127.0.0.1:5038"
    link_state: PBX_LINK_STATE_REFUSED
    last_error: "Authentication failed"
    last_error_time { seconds: 0 })pb"));
  EXPECT_EQ(row.size(), PbxHeader().size());
  EXPECT_EQ(row[1].text, "REFUSED");
  EXPECT_EQ(row[1].colour, Colour::kRed);
  EXPECT_EQ(row.back().text, "Authentication failed (1970-01-01T00:00:00.000000Z)");
}

TEST(CallRowTest, FitsItsHeaderAndTellsWhatIsSpecial) {
  EXPECT_EQ(CallRow(v1::Call()).size(), CallHeader().size());
  const auto call = Parse<v1::Call>(R"pb(
    id: "main/1"
    state: CALL_STATE_ANSWERED
    direction: CALL_DIRECTION_RECEIVED
    other_party { number: "1001" name: "Bob" }
    holding: true
    transfer_call: "main/2")pb");
  const std::vector<Cell> row = CallRow(call);
  EXPECT_EQ(row[1].text, "ANSWERED");
  EXPECT_EQ(row[3].text, "Bob (1001)");
  EXPECT_EQ(row.back().text, "holding, transfer with main/2");
  EXPECT_EQ(PartyText(Parse<v1::CallParty>("number: '1'")), "1");
  EXPECT_EQ(PartyText(Parse<v1::CallParty>("name: 'B'")), "B");
}

TEST(SessionRowTest, FitsItsHeader) {
  EXPECT_EQ(SessionRow(v1::Session()).size(), SessionHeader().size());
}

TEST(WriteForwardingTest, TellsWhatIsOnOffAndKept) {
  CapturedOutput captured;
  WriteForwarding(Parse<v1::Forwarding>(R"pb(
                    user: "alice"
                    unconditional { destination: "2000" }
                    no_answer { destination: "+33123" enabled: true })pb"),
                  captured.output());
  EXPECT_EQ(captured.Text(),
            "user            alice\n"
            "unconditional   off (to 2000)\n"
            "busy            off\n"
            "no-answer       to +33123\n"
            "do-not-disturb  off\n");
}

TEST(UserRowTest, ShowsDevicesButNoSecret) {
  const auto user = Parse<v1::User>(R"pb(
    id: "bob"
    password: "hunter22"
    lines { kind: LINE_KIND_DESKPHONE pbx: "main" device: "PJSIP/bob" sip_secret: "sesame12" }
    lines { kind: LINE_KIND_WEBRTC pbx: "main" device: "PJSIP/bob_w" })pb");
  EXPECT_EQ(UserRow(user).size(), UserHeader().size());
  EXPECT_EQ(UserRow(user).back().text, "PJSIP/bob PJSIP/bob_w");
  CapturedOutput captured;
  WriteUser(user, captured.output());
  EXPECT_THAT(captured.Text(), HasSubstr("line WEBRTC     PJSIP/bob_w on main"));
  EXPECT_THAT(captured.Text(), Not(HasSubstr("hunter22")));
  EXPECT_THAT(captured.Text(), Not(HasSubstr("sesame12")));
}

TEST(WriteServerStatusTest, ShowsReadinessAndLoad) {
  CapturedOutput captured;
  WriteServerStatus(
      Parse<v1::ServerStatus>("version: '0.1.0' pbx_count: 2 ready_pbx_count: 1 user_count: 7 "
                              "uptime { seconds: 3900 } start_time { seconds: 0 }"),
      "pbx1:50051", captured.output());
  EXPECT_THAT(captured.Text(), HasSubstr("PBXs ready      1 of 2"));
  EXPECT_THAT(captured.Text(), HasSubstr("1970-01-01T00:00:00.000000Z (1 h 5 min ago)"));
}

}  // namespace
}  // namespace unipresence::cli
