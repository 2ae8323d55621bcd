#include "aggregator/pbx/spelling.h"

#include <gtest/gtest.h>

#include <string>

namespace unipresence::pbx {
namespace {

TEST(DeviceStateTextTest, ReadsTokensAndWordsOfEveryVersion) {
  struct Row {
    const char* text;
    DeviceState state;
  };
  const Row rows[] = {
      {"UNKNOWN", DeviceState::kUnknown},
      {"Unknown", DeviceState::kUnknown},
      {"NOT_INUSE", DeviceState::kNotInUse},
      {"Not in use", DeviceState::kNotInUse},
      {"NOT IN USE", DeviceState::kNotInUse},
      {"INUSE", DeviceState::kInUse},
      {"In use", DeviceState::kInUse},
      {"IN USE", DeviceState::kInUse},
      {"BUSY", DeviceState::kBusy},
      {"Busy", DeviceState::kBusy},
      {"INVALID", DeviceState::kInvalid},
      {"Invalid", DeviceState::kInvalid},
      {"UNAVAILABLE", DeviceState::kUnavailable},
      {"Unavailable", DeviceState::kUnavailable},
      {"RINGING", DeviceState::kRinging},
      {"Ringing", DeviceState::kRinging},
      {"RINGINUSE", DeviceState::kRingInUse},
      {"Ring+Inuse", DeviceState::kRingInUse},
      {"ONHOLD", DeviceState::kOnHold},
      {"On Hold", DeviceState::kOnHold},
      {"On hold", DeviceState::kOnHold},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(ParseDeviceStateText(row.text), row.state) << row.text;
  }
}

TEST(DeviceStateTextTest, RefusesWhatIsNoState) {
  for (const std::string text :
       {"", " ", "NOT", "INUSEX", "NOT_IN_USE_AT_ALL_NEVER", "0", "INUSE INUSE INUSE"}) {
    EXPECT_EQ(ParseDeviceStateText(text), std::nullopt) << text;
  }
}

TEST(ContactStatusTest, ReadsEventsAndRows) {
  struct Row {
    const char* text;
    ContactStatus status;
    bool callable;
  };
  const Row rows[] = {
      {"NonQualified", ContactStatus::kNonQualified, true},
      {"Reachable", ContactStatus::kReachable, true},
      {"Unreachable", ContactStatus::kUnreachable, false},
      {"Unknown", ContactStatus::kUnknown, true},
      {"Removed", ContactStatus::kRemoved, false},
      {"Avail", ContactStatus::kReachable, true},
      {"Unavail", ContactStatus::kUnreachable, false},
      {"NonQual", ContactStatus::kNonQualified, true},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(ParseContactStatus(row.text), row.status) << row.text;
    EXPECT_EQ(Callable(row.status), row.callable) << row.text;
  }
  EXPECT_EQ(ParseContactStatus(""), std::nullopt);
  EXPECT_EQ(ParseContactStatus("Lost"), std::nullopt);
}

TEST(DeviceOfChannelTest, CutsTheInstanceAndKnowsWhoIsNobodys) {
  struct Row {
    const char* channel;
    const char* device;
  };
  const Row rows[] = {
      {"PJSIP/alice-00000001", "PJSIP/alice"},
      {"PJSIP/alice-w-0000000a", "PJSIP/alice-w"},
      {"SIP/1000-00000001", "SIP/1000"},
      {"DAHDI/i1/5551212-1", "DAHDI/i1/5551212"},
      {"Local/1000@default-00000001;1", ""},
      {"Local/1000@default-00000001;2", ""},
      {"AsyncGoto/PJSIP/alice-00000001", ""},
      {"Surrogate/PJSIP/alice-00000001", ""},
      {"PJSIP/alice-00000001<ZOMBIE>", ""},
      {"PJSIP/alice-00000001<MASQ>", ""},
      {"PJSIP/alice", ""},
      {"PJSIP/-00000001", ""},
      {"/alice-00000001", ""},
      {"alice-00000001", ""},
      {"a-b/c", ""},
      {"", ""},
  };
  for (const Row& row : rows) EXPECT_EQ(DeviceOfChannel(row.channel), row.device) << row.channel;
}

TEST(ChannelStateTest, IsOneDigit) {
  EXPECT_EQ(ParseChannelState("0"), ChannelState::kDown);
  EXPECT_EQ(ParseChannelState("4"), ChannelState::kRing);
  EXPECT_EQ(ParseChannelState("6"), ChannelState::kUp);
  EXPECT_EQ(ParseChannelState("9"), ChannelState::kPreRing);
  for (const char* text : {"", "10", "-1", "Up", " 6"}) {
    EXPECT_EQ(ParseChannelState(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace unipresence::pbx
