#include "clients/cli/format_presence.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "clients/cli/words.h"
#include "tests/unit/cli/captured_output.h"

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;

const TimeView kView;
const Person kPerson{.name = "Alice Martin", .number = "1000"};

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
  EXPECT_THAT(
      Texts(PresenceRow(Parse<v1::Presence>(kAlice), kPerson)),
      ElementsAre("alice", "Alice Martin", "1000", "IN_USE", "WEBRTC", "yes", "WEBRTC",
                  "DESKPHONE_EMITTED_CALL", "DESKPHONE=INUSE WEBRTC=NOT_INUSE", "DESKPHONE holds"));
  EXPECT_EQ(PresenceRow(v1::Presence(), {}).size(), PresenceColumns().size());
}

TEST(MailboxRowTest, StandsInTheColumnsOfUpdates) {
  const auto box = Parse<v1::Mailbox>(
      "user: 'alice' mailbox: '1001@default' new_message_count: 2 old_message_count: 1 pbx: 'main' "
      "stale: true update_time { seconds: 3661 }");
  EXPECT_THAT(Texts(MailboxRow(box, kPerson, kView)),
              ElementsAre("01:01:01", "alice", "Alice Martin", "1000", "(voicemail)", "", "", "",
                          "2 new, 1 old in 1001@default on main", "stale"));
  EXPECT_EQ(MailboxRow(box, {}, kView).size(), UpdateColumns(kView).size());
  EXPECT_EQ(Texts(MailboxRow(Parse<v1::Mailbox>("user: 'bob'"), {}, kView))[8], "no box any more");
}

TEST(PresenceRowTest, NotesWhatStandsBesideTheState) {
  auto presence = Parse<v1::Presence>(
      "stale: true do_not_disturb: true active_forwardings: FORWARDING_CONDITION_UNCONDITIONAL");
  EXPECT_EQ(Texts(PresenceRow(presence, {})).back(),
            "stale, do-not-disturb, forwarding:UNCONDITIONAL");
}

TEST(PresenceRowTest, ALineOfALaterKindIsShownByItsDevice) {
  v1::Presence presence;
  v1::LinePresence& line = *presence.add_lines();
  line.set_kind(static_cast<v1::LineKind>(7));
  line.set_device("PJSIP/mobile");
  EXPECT_THAT(Texts(PresenceRow(presence, {})), ::testing::Contains("PJSIP/mobile=-"));
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
      Texts(UpdateRow(update, kPerson, kView)),
      ElementsAre("00:00:01", "alice", "Alice Martin", "1000", "IN_USE", "AVAILABLE", "WEBRTC",
                  "DESKPHONE_EMITTED_CALL", "NEWCHANNEL PJSIP/alice on main", "DESKPHONE holds"));
  EXPECT_EQ(UpdateRow(update, {}, kView).size(), UpdateColumns(kView).size());
  update.set_merged_changes(3);
  EXPECT_EQ(Texts(UpdateRow(update, {}, kView))[8],
            "3 changes, last: NEWCHANNEL PJSIP/alice on main");
}

TEST(UpdateRowTest, OfAnOlderValueTheDayIsEnough) {
  v1::PresenceUpdate update;
  update.mutable_presence()->mutable_update_time()->set_seconds(0);
  const TimeView later{.now = absl::UnixEpoch() + absl::Hours(50)};
  EXPECT_EQ(Texts(UpdateRow(update, {}, later))[0], "1 Jan");
}

TEST(UpdateRowTest, WhoWasRemovedAndWhoNeverWas) {
  auto update = Parse<v1::PresenceUpdate>("removed { user: 'bob' revision: 7 }");
  EXPECT_EQ(Texts(UpdateRow(update, {}, kView))[4], "(removed)");
  update.mutable_removed()->set_revision(0);
  EXPECT_EQ(Texts(UpdateRow(update, {}, kView))[4], "(no such user)");
}

TEST(UpdateRowTest, ARefreshIsNoChange) {
  v1::PresenceUpdate update;
  *update.mutable_presence() = Parse<v1::Presence>(kAlice);
  update.set_previous_state(v1::PRESENCE_STATE_AVAILABLE);
  update.set_refresh(true);
  const std::vector<std::string> texts = Texts(UpdateRow(update, {}, kView));
  EXPECT_EQ(texts[0], "00:00:00");
  EXPECT_EQ(texts[5], "");
  EXPECT_EQ(texts[8], "");
}

TEST(UpdateRowTest, ColumnsAreWideEnoughForAllWords) {
  const std::vector<Column> columns = UpdateColumns(kView);
  for (const std::string& word : PresenceStateWords()) EXPECT_LE(word.size(), columns[4].usual);
  for (int rule = 1; rule <= v1::Rule_MAX; ++rule) {
    EXPECT_LE(Word(static_cast<v1::Rule>(rule)).size(), columns[7].usual);
  }
}

std::vector<std::string> Rows(const std::vector<Column>& columns, std::size_t width,
                              const std::vector<std::vector<Cell>>& rows) {
  CapturedOutput captured(false, width);
  {
    Table table(captured.output(), columns);
    for (const std::vector<Cell>& row : rows) table.Row(row);
  }
  return captured.Lines();
}

// Who is on do-not-disturb never looks as if he were only available.
TEST(PresenceRowTest, TheMarkIsSeenAtEveryWidth) {
  auto presence = Parse<v1::Presence>(
      "user: 'jean.baptiste' state: PRESENCE_STATE_AVAILABLE do_not_disturb: true");
  const Person person{.name = "Jean-Baptiste Desrochers", .number = "1000"};
  for (std::size_t width = 30; width <= 200; ++width) {
    const auto rows = Rows(PresenceColumns(), width, {PresenceRow(presence, person)});
    EXPECT_THAT(rows.back(), ::testing::HasSubstr("do-not-d")) << width;
  }
}

// What a zone is called must not decide what is seen of a change.
TEST(UpdateRowTest, CauseAndNotesFitBesideZonesWithLongNames) {
  v1::PresenceUpdate update;
  *update.mutable_presence() = Parse<v1::Presence>(
      "user: 'jean.baptiste' state: PRESENCE_STATE_AVAILABLE do_not_disturb: true");
  const Person person{.name = "Jean-Baptiste Desrochers", .number = "1000"};
  for (const char* name : {"UTC", "Europe/Paris", "Australia/Sydney", "Asia/Kathmandu"}) {
    TimeView view;
    ASSERT_TRUE(absl::LoadTimeZone(name, &view.zone));
    const auto rows = Rows(UpdateColumns(view), 80, {UpdateRow(update, person, view)});
    EXPECT_THAT(rows.front(), ::testing::HasSubstr("CAUSE")) << name;
    EXPECT_THAT(rows.front(), ::testing::HasSubstr("NAME")) << name;
    EXPECT_THAT(rows.front(), ::testing::HasSubstr("NOTES")) << name;
    EXPECT_THAT(rows.back(), ::testing::HasSubstr("do-not-")) << name;
  }
}

TEST(CauseTextTest, NamesDevicePbxAndState) {
  EXPECT_EQ(CauseText(Parse<v1::Cause>(R"pb(
              kind: CAUSE_KIND_DEVICE_STATE_CHANGE
              pbx: "main"
              device: "PJSIP/alice"
              device_state: DEVICE_STATE_RINGING)pb")),
            "PJSIP/alice RINGING, DEVICE_STATE_CHANGE on main");
  EXPECT_EQ(
      CauseText(Parse<v1::Cause>("kind: CAUSE_KIND_LOGIN device_state: DEVICE_STATE_UNKNOWN")),
      "LOGIN");
  EXPECT_EQ(CauseText(Parse<v1::Cause>(R"pb(kind: CAUSE_KIND_LINK_LOST pbx: "main")pb")),
            "LINK_LOST on main");
}

}  // namespace
}  // namespace unipresence::cli
