#include "aggregator/fusion/fusion.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/fusion/rules.h"

namespace unipresence::fusion {
namespace {

constexpr std::array<DeviceState, kDeviceStateCount> kDeviceStates = {
    DeviceState::kUnknown, DeviceState::kNotInUse,  DeviceState::kInUse,
    DeviceState::kBusy,    DeviceState::kInvalid,   DeviceState::kUnavailable,
    DeviceState::kRinging, DeviceState::kRingInUse, DeviceState::kOnHold};

using Words = std::set<std::string>;

const Words kAll = {"NOT_INUSE", "INUSE",       "BUSY",    "RINGING", "RINGINUSE",
                    "ONHOLD",    "UNAVAILABLE", "INVALID", "UNKNOWN"};
const Words kGone = {"UNAVAILABLE", "INVALID", "UNKNOWN"};
const Words kInCall = {"INUSE", "BUSY", "RINGING", "RINGINUSE", "ONHOLD"};
const Words kIdle = {"NOT_INUSE"};
const Words kIdleOrInCall = {"NOT_INUSE", "INUSE", "BUSY", "RINGING", "RINGINUSE", "ONHOLD"};
const Words kIdleOrGone = {"NOT_INUSE", "UNAVAILABLE", "INVALID", "UNKNOWN"};

// Cells that are alike, written out: of every cell there is one row, so no order decides.
struct Named {
  std::string name;
  Words who;  // "out": logged out; else logged in and this line selected
  Words emits;
  Words webrtc;
  std::string shows;  // "D", "W" or a presence
  std::string rings;
  std::string rule;
};

const std::vector<Named> kNamed = {
    {"gone home, phone in use or not",
     {"out"},
     {"yes", "no"},
     kAll,
     "D",
     "DESKPHONE",
     "LOGGED_OUT"},
    {"at the browser", {"WEBRTC"}, {"no"}, kIdleOrInCall, "W", "WEBRTC", "SELECTED_WEBRTC"},
    {"at the browser, dials on the phone",
     {"WEBRTC"},
     {"yes"},
     kIdleOrInCall,
     "IN_USE",
     "WEBRTC",
     "DESKPHONE_EMITTED_CALL"},
    {"the browser is gone",
     {"WEBRTC"},
     {"yes", "no"},
     kGone,
     "D",
     "DESKPHONE",
     "WEBRTC_UNREACHABLE"},
    {"at the phone",
     {"DESKPHONE"},
     {"yes", "no"},
     kIdleOrGone,
     "D",
     "DESKPHONE",
     "SELECTED_DESKPHONE"},
    {"at the phone, a call in the browser",
     {"DESKPHONE"},
     {"no"},
     kInCall,
     "W",
     "DESKPHONE",
     "WEBRTC_CALL"},
    {"both: a call in the browser, dials on the phone",
     {"DESKPHONE"},
     {"yes"},
     kInCall,
     "IN_USE",
     "DESKPHONE",
     "DESKPHONE_EMITTED_CALL"},
};

std::string Shown(const std::string& device_state) {
  static const std::map<std::string, std::string> kTable = {
      {"NOT_INUSE", "AVAILABLE"},      {"INUSE", "IN_USE"},        {"BUSY", "BUSY"},
      {"UNAVAILABLE", "UNAVAILABLE"},  {"INVALID", "UNAVAILABLE"}, {"RINGING", "RINGING"},
      {"RINGINUSE", "RINGING_IN_USE"}, {"ONHOLD", "ON_HOLD"},      {"UNKNOWN", "UNKNOWN"}};
  return kTable.at(device_state);
}

using States = ByKind<std::optional<DeviceState>>;

States Of(std::optional<DeviceState> deskphone, std::optional<DeviceState> webrtc) {
  States states;
  states[LineKind::kDeskphone] = deskphone;
  states[LineKind::kWebrtc] = webrtc;
  return states;
}

// The cell by the one row that names it.
void ExpectCell(DeviceState d, DeviceState w, const std::string& who, bool emits) {
  const std::string webrtc(ToString(w));
  SCOPED_TRACE("D=" + std::string(ToString(d)) + " W=" + webrtc + " " + who +
               (emits ? " emitting" : ""));
  const Result result =
      Fuse({.states = Of(d, w),
            .logged_in = who != "out",
            .selected = who == "DESKPHONE" ? LineKind::kDeskphone : LineKind::kWebrtc,
            .emitting = emits});
  int rows = 0;
  for (const Named& row : kNamed) {
    if (!row.who.contains(who) || !row.emits.contains(emits ? "yes" : "no")) continue;
    if (!row.webrtc.contains(webrtc)) continue;
    ++rows;
    const std::string shown = row.shows == "D"   ? Shown(std::string(ToString(d)))
                              : row.shows == "W" ? Shown(webrtc)
                                                 : row.shows;
    EXPECT_EQ(ToString(result.state), shown) << row.name;
    EXPECT_EQ(ToString(result.device_in_use), row.rings) << row.name;
    EXPECT_EQ(ToString(result.rule), row.rule) << row.name;
  }
  EXPECT_EQ(rows, 1);
}

TEST(FusionTest, EachOfThe486CellsIsAsItsNamedRowSays) {
  int cells = 0;
  for (const DeviceState d : kDeviceStates) {
    for (const DeviceState w : kDeviceStates) {
      for (const std::string who : {"out", "WEBRTC", "DESKPHONE"}) {
        for (const bool emits : {false, true}) {
          ExpectCell(d, w, who, emits);
          ++cells;
        }
      }
    }
  }
  EXPECT_EQ(cells, 486);
}

// How README.md of the room calls a line's state: D, W.
std::string Letter(LineKind kind) { return std::string(ToString(kind).substr(0, 1)); }

// A row as README.md of the room has it.
std::string LineOf(const RuleRow& row) {
  std::vector<std::string> when;
  if (!row.logged_in) when.emplace_back("not logged in");
  if (row.emitting) when.emplace_back("emitting");
  if (row.selected) when.push_back(std::string(ToString(*row.selected)) + " selected");
  for (const LineKind kind : kLineKinds) {
    const std::string letter = Letter(kind);
    if (row.lines[kind] == LineIs::kReachable) when.push_back(letter + " reachable");
    if (row.lines[kind] == LineIs::kActive) when.push_back(letter + " active");
  }
  std::string line = "| " + std::string(ToString(row.rule)) + " | ";
  for (std::size_t i = 0; i < when.size(); ++i) line += (i == 0 ? "" : ", ") + when[i];
  line += " | " + (row.shows ? Letter(*row.shows) : "IN_USE");
  return line + " | " + std::string(ToString(row.rings)) + " |";
}

TEST(FusionTest, ThePageHasTheRowsOfTheTable) {
  std::string expected = "| rule | when | presence | calls ring on |\n|---|---|---|---|\n";
  for (const RuleRow& row : kRules) expected += LineOf(row) + "\n";
  std::ifstream file(std::string(UNIPRESENCE_SOURCE_DIR) + "/aggregator/fusion/README.md");
  std::ostringstream page;
  page << file.rdbuf();
  EXPECT_NE(page.str().find(expected), std::string::npos) << "write there:\n" << expected;
}

TEST(FusionTest, LoggedOutIgnoresSelectionAndWebrtc) {
  for (const DeviceState d : kDeviceStates) {
    const Result reference = Fuse({.states = Of(d, DeviceState::kNotInUse)});
    for (const DeviceState w : kDeviceStates) {
      for (const LineKind selected : {LineKind::kDeskphone, LineKind::kWebrtc}) {
        EXPECT_EQ(Fuse({.states = Of(d, w), .selected = selected, .emitting = true}), reference);
      }
    }
  }
}

TEST(FusionTest, NobodyIsAvailableWithoutEvidence) {
  for (const DeviceState d : kDeviceStates) {
    for (const DeviceState w : kDeviceStates) {
      for (const bool logged_in : {false, true}) {
        for (const LineKind selected : {LineKind::kDeskphone, LineKind::kWebrtc}) {
          const Result result =
              Fuse({.states = Of(d, w), .logged_in = logged_in, .selected = selected});
          if (result.state != PresenceState::kAvailable) continue;
          EXPECT_TRUE(d == DeviceState::kNotInUse || w == DeviceState::kNotInUse);
        }
      }
    }
  }
}

TEST(FusionTest, OneLineIsThatLine) {
  for (const DeviceState state : kDeviceStates) {
    for (const bool logged_in : {false, true}) {
      EXPECT_EQ(Fuse({.states = Of(state, std::nullopt), .logged_in = logged_in}),
                (Result{ToPresenceState(state), LineKind::kDeskphone, Rule::kSingleLine}));
      EXPECT_EQ(Fuse({.states = Of(std::nullopt, state), .logged_in = logged_in}),
                (Result{ToPresenceState(state), LineKind::kWebrtc, Rule::kSingleLine}));
    }
  }
  EXPECT_EQ(Fuse({}).state, PresenceState::kUnknown);
}

TEST(FusionTest, AnOriginatedCallShowsBeforeAsteriskReportsIt) {
  for (const DeviceState state : kDeviceStates) {
    EXPECT_EQ(LineState(state, false, false), state);
    for (const bool contacts_gone : {false, true}) {
      EXPECT_EQ(LineState(state, true, contacts_gone),
                state == DeviceState::kNotInUse ? DeviceState::kInUse : state);
    }
  }
}

TEST(FusionTest, ContactsTakeReachabilityFromAnIdleLineAndNothingElse) {
  for (const DeviceState state : kDeviceStates) {
    EXPECT_EQ(LineState(state, false, true),
              state == DeviceState::kNotInUse ? DeviceState::kUnavailable : state);
  }
}

}  // namespace
}  // namespace unipresence::fusion
