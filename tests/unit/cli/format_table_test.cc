#include "clients/cli/format_table.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/captured_output.h"

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const TimeView kView;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

TEST(PbxRowTest, ShowsTheLink) {
  const auto row =
      PbxRow(Parse<v1::Pbx>(R"pb(
               name: "main" link_state: PBX_LINK_STATE_REFUSED message_count: 7)pb"),
             kView);
  EXPECT_EQ(row.size(), PbxColumns(kView).size());
  EXPECT_EQ(row[1].text, "REFUSED");
  EXPECT_EQ(row[1].colour, Colour::kRed);
  EXPECT_EQ(row[7].text, "7");
}

TEST(PbxRemarksTest, OnlyWhenThereIsSomethingToSay) {
  EXPECT_THAT(PbxRemarks(Parse<v1::Pbx>("name: 'main' message_count: 7"), kView), IsEmpty());
}

TEST(PbxRemarksTest, EachTrouble) {
  EXPECT_THAT(
      PbxRemarks(Parse<v1::Pbx>(R"pb(
                   name: "main"
                   last_error: "Authentication failed"
                   last_error_time { seconds: 120 }
                   write_unanswered_time { seconds: 60 }
                   list_errors: "CoreShowChannels: Permission denied"
                   skipped_message_count: 3
                   unlisted_devices: "PJSIP/bbo"
                   unlisted_devices: "PJSIP/x\033"
                   unlisted_device_count: 102)pb"),
                 kView),
      ElementsAre("main: last error, 00:02 UTC: Authentication failed",
                  "main: Asterisk has not answered what it was told since 00:01 UTC; nobody "
                  "knows whether it has it",
                  "main: not told by its lists: CoreShowChannels: Permission denied",
                  "main: 3 messages were too long and were passed over",
                  "main: it knows no such devices: PJSIP/bbo, PJSIP/x? and 100 more; look "
                  "for misspelt names"));
}

TEST(CallRowTest, FitsItsHeaderAndTellsWhatIsSpecial) {
  EXPECT_EQ(CallRow(v1::Call(), kView).size(), CallColumns(kView).size());
  const auto call = Parse<v1::Call>(R"pb(
    id: "main/1"
    state: CALL_STATE_ANSWERED
    direction: CALL_DIRECTION_RECEIVED
    other_party { number: "1001" name: "Bob" }
    holding: true
    transfer_call: "main/2")pb");
  const std::vector<Cell> row = CallRow(call, kView);
  EXPECT_EQ(row[1].text, "ANSWERED");
  EXPECT_EQ(row[3].text, "Bob (1001)");
  EXPECT_EQ(row.back().text, "holding, transfer with main/2");
  EXPECT_EQ(PartyText(Parse<v1::CallParty>("number: '1'")), "1");
  EXPECT_EQ(PartyText(Parse<v1::CallParty>("name: 'B'")), "B");
}

TEST(CallRowTest, TheNumberOfTheOtherPartyIsSeenAtEightyColumns) {
  auto call = Parse<v1::Call>(R"pb(
    id: "main/1764501234.12"
    state: CALL_STATE_ANSWERED
    direction: CALL_DIRECTION_RECEIVED
    kind: LINE_KIND_DESKPHONE
    start_time { seconds: 60 }
    answer_time { seconds: 61 }
    other_party { number: "1003" name: "Carol Petit" })pb");
  const auto text = [&] {
    CapturedOutput captured(false, 80);
    {
      Table table(captured.output(), CallColumns(kView));
      table.Row(CallRow(call, kView));
    }
    return captured.Text();
  };
  EXPECT_THAT(text(), HasSubstr("Carol Petit (1003)"));
  call.set_holding(true);
  EXPECT_THAT(text(), HasSubstr("Carol Petit (1003)"));
  EXPECT_THAT(text(), HasSubstr("holding"));
}

TEST(SessionRowTest, FitsItsHeader) {
  EXPECT_EQ(SessionRow(v1::Session(), kView).size(), SessionColumns(kView).size());
}

TEST(WriteForwardingTest, TellsWhatIsOnOffAndKept) {
  CapturedOutput captured;
  WriteForwarding(Parse<v1::Forwarding>(R"pb(
                    user: "alice"
                    unconditional { destination: "2000" }
                    no_answer { destination: "+33123" enabled: true })pb"),
                  kView, captured.output());
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
  EXPECT_EQ(UserRow(user).size(), UserColumns().size());
  EXPECT_EQ(UserRow(user).back().text, "PJSIP/bob PJSIP/bob_w");
  CapturedOutput captured;
  WriteUser(user, kView, captured.output());
  EXPECT_THAT(captured.Text(), HasSubstr("line WEBRTC     PJSIP/bob_w on main"));
  EXPECT_THAT(captured.Text(), Not(HasSubstr("hunter22")));
  EXPECT_THAT(captured.Text(), Not(HasSubstr("sesame12")));
}

TEST(WriteServerStatusTest, ShowsReadinessAndLoad) {
  CapturedOutput captured;
  WriteServerStatus(
      Parse<v1::ServerStatus>("version: '0.1.0' pbx_count: 2 ready_pbx_count: 1 user_count: 7 "
                              "uptime { seconds: 3900 } start_time { seconds: 0 }"),
      "pbx1:50051", kView, captured.output());
  EXPECT_THAT(captured.Text(), HasSubstr("PBXs ready      1 of 2"));
  EXPECT_THAT(captured.Text(), HasSubstr("00:00 UTC (1 h 5 min ago)"));
}

}  // namespace
}  // namespace unipresence::cli
