#include "clients/cli/format_explanation.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/captured_output.h"

namespace unipresence::cli {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
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

// At 10:48 of the day on which everything happened, one hour east of Greenwich.
TimeView View() {
  absl::TimeZone zone = absl::FixedTimeZone(3'600);
  return {.zone = zone, .now = absl::UnixEpoch() + absl::Hours(9) + absl::Minutes(48)};
}
constexpr int kTenFortyTwo = 9 * 3'600 + 42 * 60;

ExplanationInput Input() {
  return {.explanation = Explanation(),
          .calls = {},
          .person = {.name = "Alice Martin", .number = "1000"},
          .causes = 0};
}

v1::Call CallOf(const std::string& text) {
  auto call = Parse<v1::Call>("device: 'PJSIP/alice' " + text);
  if (call.kind() == v1::LINE_KIND_UNSPECIFIED) call.set_kind(v1::LINE_KIND_DESKPHONE);
  call.mutable_start_time()->set_seconds(kTenFortyTwo);
  if (call.state() == v1::CALL_STATE_ANSWERED)
    call.mutable_answer_time()->set_seconds(kTenFortyTwo);
  return call;
}

TEST(ExplanationSentencesTest, ACallAsAColleagueTellsIt) {
  ExplanationInput input = Input();
  input.calls = {
      CallOf("state: CALL_STATE_ANSWERED direction: CALL_DIRECTION_EMITTED "
             "other_party { number: '1002' name: 'Carol Petit' }")};
  EXPECT_THAT(ExplanationSentences(input, View()),
              ElementsAre("Alice Martin (alice, 1000) is IN_USE.",
                          "In a call on the deskphone since 10:42 (6 min), placed to Carol Petit "
                          "(1002).",
                          "New calls ring on the WebRTC line; the call placed on the deskphone "
                          "decides the state."));
}

struct CallCase {
  const char* call;
  const char* sentence;
};

TEST(ExplanationSentencesTest, CallsOfEveryKind) {
  const CallCase cases[] = {
      {"state: CALL_STATE_ANSWERED direction: CALL_DIRECTION_RECEIVED other_party { number: '7' }",
       "In a call on the deskphone since 10:42 (6 min), received from 7."},
      {"state: CALL_STATE_ANSWERED other_party { number: '7' }",
       "In a call on the deskphone since 10:42 (6 min), with 7."},
      {"state: CALL_STATE_ANSWERED direction: CALL_DIRECTION_EMITTED holding: true",
       "In a call on the deskphone since 10:42 (6 min), placed to -; it is on hold."},
      {"state: CALL_STATE_ANSWERED direction: CALL_DIRECTION_EMITTED held: true",
       "In a call on the deskphone since 10:42 (6 min), placed to -; the other side has put it on "
       "hold."},
      {"state: CALL_STATE_DIALING other_party { name: 'Bob' number: '1001' }",
       "Calling Bob (1001) from the deskphone since 10:42 (6 min); no answer yet."},
      {"state: CALL_STATE_RINGING other_party { name: 'Bob' }",
       "A call from Bob rings on the deskphone since 10:42 (6 min)."},
      {"state: CALL_STATE_ORIGINATING other_party { number: '1001' }",
       "A call to 1001 was placed since 10:42 (6 min): the deskphone rings to be picked up for "
       "it."},
      {"state: CALL_STATE_RINGING other_party { name: 'B\033[2J' } kind: LINE_KIND_WEBRTC",
       "A call from B?[2J rings on the WebRTC line since 10:42 (6 min)."},
  };
  for (const CallCase& one : cases) {
    ExplanationInput input = Input();
    input.calls = {CallOf(one.call)};
    EXPECT_THAT(ExplanationSentences(input, View()), Contains(one.sentence));
  }
}

TEST(ExplanationSentencesTest, WithoutTheListOfCallsTheLinesTell) {
  ExplanationInput input = Input();
  EXPECT_THAT(ExplanationSentences(input, View()),
              Contains("In a call on the deskphone, placed there."));
  v1::LineExplanation& line = *input.explanation.mutable_lines(0);
  line.set_in_call(false);
  line.mutable_line()->set_state(v1::DEVICE_STATE_RINGING);
  EXPECT_THAT(ExplanationSentences(input, View()), Contains("A call rings on the deskphone."));
  line.mutable_line()->set_state(v1::DEVICE_STATE_NOT_INUSE);
  EXPECT_EQ(ExplanationSentences(input, View()).size(), 2U);
}

TEST(ExplanationSentencesTest, SinceWhenTheStateLasts) {
  ExplanationInput input = Input();
  const auto cause = [&](v1::PresenceState state, int seconds) {
    v1::PastCause& past = *input.explanation.add_causes();
    past.set_state(state);
    past.set_revision(10 - static_cast<std::uint64_t>(input.explanation.causes_size()));
    past.mutable_cause()->mutable_time()->set_seconds(seconds);
  };
  const auto first = [&] { return ExplanationSentences(input, View()).front(); };
  input.explanation.clear_causes();
  cause(v1::PRESENCE_STATE_IN_USE, kTenFortyTwo + 60);
  cause(v1::PRESENCE_STATE_IN_USE, kTenFortyTwo);
  EXPECT_EQ(first(), "Alice Martin (alice, 1000) is IN_USE.") << "it may have begun before";
  cause(v1::PRESENCE_STATE_AVAILABLE, 1);
  EXPECT_EQ(first(), "Alice Martin (alice, 1000) is IN_USE since 10:42 (6 min).");
  input.person = {};
  EXPECT_EQ(first(), "alice is IN_USE since 10:42 (6 min).");
}

TEST(ExplanationSentencesTest, WhatWasOnlyFoundMayHaveBegunBefore) {
  for (const v1::CauseKind kind :
       {v1::CAUSE_KIND_RESYNC, v1::CAUSE_KIND_RECONCILE, v1::CAUSE_KIND_SERVER_START}) {
    ExplanationInput input = Input();
    v1::PastCause& past = *input.explanation.mutable_causes(0);
    past.set_revision(1);
    past.mutable_cause()->set_kind(kind);
    past.mutable_cause()->mutable_time()->set_seconds(kTenFortyTwo);
    EXPECT_EQ(ExplanationSentences(input, View()).front(),
              "Alice Martin (alice, 1000) is IN_USE at least since 10:42 (6 min).");
    // What was heard before it is known better.
    v1::PastCause& heard = *input.explanation.add_causes();
    heard = past;
    heard.mutable_cause()->set_kind(v1::CAUSE_KIND_NEWCHANNEL);
    heard.mutable_cause()->mutable_time()->set_seconds(kTenFortyTwo - 60);
    EXPECT_EQ(ExplanationSentences(input, View()).front(),
              "Alice Martin (alice, 1000) is IN_USE since 10:41 (7 min).");
  }
}

TEST(ExplanationSentencesTest, ACallWhoseAnswerWasNotHeard) {
  ExplanationInput input = Input();
  input.calls = {CallOf("state: CALL_STATE_ANSWERED other_party { number: '7' }")};
  input.calls[0].clear_answer_time();
  EXPECT_THAT(
      ExplanationSentences(input, View()),
      Contains("In a call on the deskphone that began at 10:42 or before (6 min), with 7."));
}

struct RuleCase {
  v1::Rule rule;
  v1::LineKind device;
  const char* sentence;
};

TEST(ExplanationSentencesTest, WhyThisDeviceIsInUse) {
  const RuleCase cases[] = {
      {v1::RULE_LOGGED_OUT, v1::LINE_KIND_DESKPHONE,
       "New calls ring on the deskphone, because nobody is logged in."},
      {v1::RULE_SELECTED_WEBRTC, v1::LINE_KIND_WEBRTC,
       "New calls ring on the WebRTC line, because it is selected and can be reached."},
      {v1::RULE_WEBRTC_UNREACHABLE, v1::LINE_KIND_DESKPHONE,
       "New calls ring on the deskphone, because the WebRTC line is selected but cannot be "
       "reached."},
      {v1::RULE_WEBRTC_CALL, v1::LINE_KIND_DESKPHONE,
       "New calls ring on the deskphone, because it is selected; the state is that of the WebRTC "
       "line, which is active."},
      {v1::RULE_SELECTED_DESKPHONE, v1::LINE_KIND_DESKPHONE,
       "New calls ring on the deskphone, because it is selected."},
      {v1::RULE_SINGLE_LINE, v1::LINE_KIND_DESKPHONE,
       "New calls ring on the deskphone, the only line."},
  };
  for (const RuleCase& one : cases) {
    ExplanationInput input = Input();
    input.explanation.mutable_presence()->set_rule(one.rule);
    input.explanation.mutable_presence()->set_device_in_use(one.device);
    EXPECT_EQ(ExplanationSentences(input, View()).back(), one.sentence);
  }
}

TEST(ExplanationSentencesTest, WhatHappensInsteadOfRinging) {
  ExplanationInput input = Input();
  v1::Presence& presence = *input.explanation.mutable_presence();
  presence.set_rule(v1::RULE_SELECTED_WEBRTC);
  presence.add_active_forwardings(v1::FORWARDING_CONDITION_UNCONDITIONAL);
  presence.add_active_forwardings(v1::FORWARDING_CONDITION_BUSY);
  EXPECT_THAT(ExplanationSentences(input, View()),
              AllOf(Contains("All calls are forwarded: no device rings."),
                    Contains("Without that, calls would ring on the WebRTC line, because it is "
                             "selected and can be reached."),
                    Contains("Calls are forwarded when it is busy.")));
  presence.set_do_not_disturb(true);
  EXPECT_THAT(ExplanationSentences(input, View()),
              Contains("Do-not-disturb is on: no device rings."));
}

TEST(ExplanationSentencesTest, WhatIsWrong) {
  ExplanationInput input = Input();
  v1::LineExplanation& line = *input.explanation.mutable_lines(0);
  line.set_not_listed(true);
  line.set_direction_unknown(true);
  const auto sentences = ExplanationSentences(input, View());
  EXPECT_THAT(sentences, Contains(HasSubstr("PBX main knows no device PJSIP/alice")));
  EXPECT_THAT(sentences, Contains(HasSubstr("not known since the restart")));
  line.set_link_state(v1::PBX_LINK_STATE_DISCONNECTED);
  input.explanation.mutable_presence()->set_stale(true);
  EXPECT_THAT(
      ExplanationSentences(input, View()),
      Contains("STALE: the link to PBX main is DISCONNECTED; this is what was known last."));
}

TEST(WriteExplanationTest, TellsTheStoryFromResultToCause) {
  CapturedOutput captured;
  WriteExplanation(Input(), View(), captured.output());
  EXPECT_EQ(captured.Text(),
            R"(Alice Martin (alice, 1000) is IN_USE.
In a call on the deskphone, placed there.
New calls ring on the WebRTC line; the call placed on the deskphone decides the state.

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
  TIME (+01)    STATE AFTER  RULE AFTER              REVISION  CAUSE
  01:00:02.000  IN_USE       DESKPHONE_EMITTED_CALL  5         NEWCHANNEL PJSIP/alice on main
)");
}

TEST(WriteExplanationTest, FitsEveryTerminal) {
  for (const std::size_t width : {60U, 80U, 120U, 200U}) {
    CapturedOutput captured(false, width);
    WriteExplanation(Input(), View(), captured.output());
    for (const std::string& line : captured.Lines()) EXPECT_LE(DisplayWidth(line), width) << line;
    EXPECT_THAT(captured.Text(), HasSubstr("CAUSE"));
  }
}

TEST(WriteExplanationTest, WhatIsDoneOnALineIsWholeAtEightyColumns) {
  CapturedOutput captured(false, 80);
  WriteExplanation(Input(), View(), captured.output());
  EXPECT_THAT(captured.Text(), HasSubstr("in a call, made by itself\n"));
}

TEST(WriteExplanationTest, AUserWithOneLineHasNoInputsOfTheOther) {
  ExplanationInput input = Input();
  input.explanation.mutable_inputs()->set_webrtc_state(v1::DEVICE_STATE_UNSPECIFIED);
  input.explanation.clear_causes();
  CapturedOutput captured;
  WriteExplanation(input, View(), captured.output());
  EXPECT_THAT(captured.Text(), Not(HasSubstr("WebRTC line (W)")));
  EXPECT_THAT(captured.Text(), HasSubstr("No causes are remembered."));
}

}  // namespace
}  // namespace unipresence::cli
