#include "aggregator/pbx/call_actions.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "tests/unit/pbx/pbx_driver.h"

namespace unipresence::pbx {
namespace {

// What goes over the wire, with `|` for each end of a line.
std::string Wire(const ami::ActionBuilder& action) {
  const auto bytes = action.Encode("7");
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  std::string text;
  for (const char c : bytes.value_or("")) {
    if (c == '\r') continue;
    text += c == '\n' ? '|' : c;
  }
  return text;
}

TEST(CallActionsTest, ANumberIsLookedUpInItsContext) {
  EXPECT_EQ(Wire(FindExtensionAction("from-users", "2000")),
            "Action: Getvar|Variable: DIALPLAN_EXISTS(from-users,2000,1)|ActionID: 7||");
  const auto found = [](std::string_view value) {
    return ExtensionFound(
        ami::Message(Text({{"Response", "Success"}, {"Value", std::string(value)}})));
  };
  EXPECT_EQ(found("1"), true);
  EXPECT_EQ(found("0"), false);
  EXPECT_EQ(found(""), std::nullopt);
}

TEST(CallActionsTest, ACallIsPlacedUnderANameOfOurs) {
  EXPECT_EQ(Wire(OriginateAction({.phone = "PJSIP/alice",
                                  .context = "from-users",
                                  .destination = "2000",
                                  .uniqueid = "unipresence-7-1",
                                  .rings = std::chrono::seconds(30)})),
            "Action: Originate|Channel: PJSIP/alice|Context: from-users|Exten: 2000|"
            "Priority: 1|Variable: CONNECTEDLINE(num)=2000|Variable: CALLERID(dnid)=2000|"
            "Timeout: 30000|Async: true|ChannelId: unipresence-7-1|ActionID: 7||");
}

TEST(CallActionsTest, ARingingCallIsRejectedAnyOtherIsCleared) {
  EXPECT_EQ(Wire(HangupAction("1.1", true)), "Action: Hangup|Channel: 1.1|Cause: 21|ActionID: 7||");
  EXPECT_EQ(Wire(HangupAction("1.1", false)),
            "Action: Hangup|Channel: 1.1|Cause: 16|ActionID: 7||");
}

TEST(CallActionsTest, ABlindTransferNamesTheUsersOwnChannel) {
  EXPECT_EQ(Wire(BlindTransferAction("1.1", "2000", "from-users")),
            "Action: BlindTransfer|Channel: 1.1|Exten: 2000|Context: from-users|ActionID: 7||");
}

TEST(CallActionsTest, AConsultationSendsBothChannelsAway) {
  const auto actions = ConsultActions({.channel = "1.1",
                                       .held = "1.2",
                                       .held_name = "PJSIP/bob-00000002",
                                       .context = "from-users",
                                       .destination = "2000"});
  EXPECT_EQ(Wire(actions[0]),
            "Action: Setvar|Channel: 1.1|Variable: UNIPRESENCE_HELD|"
            "Value: PJSIP/bob-00000002|ActionID: 7||");
  EXPECT_EQ(Wire(actions[1]),
            "Action: Setvar|Channel: 1.1|Variable: UNIPRESENCE_CONSULT_CONTEXT|"
            "Value: from-users|ActionID: 7||");
  EXPECT_EQ(Wire(actions[2]),
            "Action: Setvar|Channel: 1.1|Variable: UNIPRESENCE_TRANSFERRED|Value: |ActionID: 7||");
  EXPECT_EQ(Wire(actions[3]),
            "Action: Redirect|Channel: 1.1|Context: unipresence-consult|Exten: 2000|"
            "Priority: 1|ExtraChannel: 1.2|ExtraContext: unipresence-hold|ExtraExten: s|"
            "ExtraPriority: 1|ActionID: 7||");
}

TEST(CallActionsTest, TheTwoOthersTalkOrTheHeldOneIsTakenBack) {
  const auto actions = CompleteActions("1.1", "1.2", "1.3");
  EXPECT_EQ(Wire(actions[0]),
            "Action: Setvar|Channel: 1.1|Variable: UNIPRESENCE_TRANSFERRED|Value: 1|ActionID: 7||");
  EXPECT_EQ(Wire(actions[1]), "Action: Bridge|Channel1: 1.2|Channel2: 1.3|ActionID: 7||");
  EXPECT_EQ(Wire(TakeBackAction("1.1")),
            "Action: Redirect|Channel: 1.1|Context: unipresence-consult|Exten: back|"
            "Priority: 1|ActionID: 7||");
}

TEST(CallActionsTest, AsteriskHasSeveralWordsForAChannelThatIsGone) {
  for (const std::string_view words :
       {"No such channel", "Channel does not exist", "Channel not up", "Transfer invalid: 1.1"}) {
    EXPECT_TRUE(IsChannelGone(words)) << words;
  }
  EXPECT_FALSE(IsChannelGone("Permission denied"));
  EXPECT_FALSE(IsChannelGone(""));
}

}  // namespace
}  // namespace unipresence::pbx
