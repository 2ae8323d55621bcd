#include "aggregator/fusion/fusion.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace unipresence::fusion {
namespace {

constexpr std::array<DeviceState, kDeviceStateCount> kDeviceStates = {
    DeviceState::kUnknown, DeviceState::kNotInUse,  DeviceState::kInUse,
    DeviceState::kBusy,    DeviceState::kInvalid,   DeviceState::kUnavailable,
    DeviceState::kRinging, DeviceState::kRingInUse, DeviceState::kOnHold};

// The oracle works on words, from the sentences of aggregator/fusion/README.md; it shares no code
// with the rules but the names it compares.
struct Cell {
  std::string presence;
  std::string device;
  std::string rule;
  bool operator==(const Cell&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Cell& cell) {
  return out << cell.presence << " on " << cell.device << " by " << cell.rule;
}

std::string Shown(const std::string& device_state) {
  static const std::map<std::string, std::string> kTable = {
      {"NOT_INUSE", "AVAILABLE"},      {"INUSE", "IN_USE"},        {"BUSY", "BUSY"},
      {"UNAVAILABLE", "UNAVAILABLE"},  {"INVALID", "UNAVAILABLE"}, {"RINGING", "RINGING"},
      {"RINGINUSE", "RINGING_IN_USE"}, {"ONHOLD", "ON_HOLD"},      {"UNKNOWN", "UNKNOWN"}};
  return kTable.at(device_state);
}

Cell Oracle(const std::string& d, const std::string& w, const std::string& who, bool emits) {
  static const std::set<std::string> kGone = {"UNAVAILABLE", "INVALID", "UNKNOWN"};
  static const std::set<std::string> kBusyWords = {"INUSE", "BUSY", "RINGING", "RINGINUSE",
                                                   "ONHOLD"};
  if (who == "logged out") return {Shown(d), "DESKPHONE", "LOGGED_OUT"};
  const bool webrtc_can_ring = kGone.count(w) == 0;
  const bool webrtc_call = kBusyWords.count(w) != 0;
  Cell without_emitted;
  if (who == "WebRTC") {
    without_emitted = webrtc_can_ring ? Cell{Shown(w), "WEBRTC", "SELECTED_WEBRTC"}
                                      : Cell{Shown(d), "DESKPHONE", "WEBRTC_UNREACHABLE"};
  } else {
    without_emitted = webrtc_call ? Cell{Shown(w), "DESKPHONE", "WEBRTC_CALL"}
                                  : Cell{Shown(d), "DESKPHONE", "SELECTED_DESKPHONE"};
  }
  // "the WebRTC line takes precedence over the deskphone, unless the user emits a call with the
  // deskphone: then In Use"; where the deskphone is shown anyway there is nothing to take back.
  const bool deskphone_shown =
      without_emitted.rule == "WEBRTC_UNREACHABLE" || without_emitted.rule == "SELECTED_DESKPHONE";
  if (emits && !deskphone_shown)
    return {"IN_USE", without_emitted.device, "DESKPHONE_EMITTED_CALL"};
  return without_emitted;
}

TEST(FusionTest, EachOfThe486CellsIsAsTheSpecificationSays) {
  int cells = 0;
  for (const DeviceState d : kDeviceStates) {
    for (const DeviceState w : kDeviceStates) {
      for (const std::string who : {"logged out", "WebRTC", "deskphone"}) {
        for (const bool emits : {false, true}) {
          const Result result =
              Fuse({.deskphone = d,
                    .webrtc = w,
                    .logged_in = who != "logged out",
                    .selected = who == "deskphone" ? LineKind::kDeskphone : LineKind::kWebrtc,
                    .emitting = emits});
          const Cell got{std::string(ToString(result.state)),
                         std::string(ToString(result.device_in_use)),
                         std::string(ToString(result.rule))};
          EXPECT_EQ(got, Oracle(std::string(ToString(d)), std::string(ToString(w)), who, emits))
              << "D=" << ToString(d) << " W=" << ToString(w) << " " << who
              << (emits ? " emitting" : "");
          ++cells;
        }
      }
    }
  }
  EXPECT_EQ(cells, 486);
}

TEST(FusionTest, LoggedOutIgnoresSelectionAndWebrtc) {
  for (const DeviceState d : kDeviceStates) {
    const Result reference = Fuse({.deskphone = d, .webrtc = DeviceState::kNotInUse});
    for (const DeviceState w : kDeviceStates) {
      for (const LineKind selected : {LineKind::kDeskphone, LineKind::kWebrtc}) {
        EXPECT_EQ(Fuse({.deskphone = d, .webrtc = w, .selected = selected, .emitting = true}),
                  reference);
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
              Fuse({.deskphone = d, .webrtc = w, .logged_in = logged_in, .selected = selected});
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
      EXPECT_EQ(Fuse({.deskphone = state, .logged_in = logged_in}),
                (Result{ToPresenceState(state), LineKind::kDeskphone, Rule::kSingleLine}));
      EXPECT_EQ(Fuse({.webrtc = state, .logged_in = logged_in}),
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
