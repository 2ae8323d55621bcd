#include "aggregator/pbx/call_actions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace unipresence::pbx {
namespace {

constexpr std::string_view kHoldContext = "unipresence-hold";
// The place in kConsultContext that takes the held party back.
constexpr std::string_view kBack = "back";

constexpr std::array<std::string_view, 4> kChannelGone = {"No such channel", "does not exist",
                                                          "not up", "Transfer invalid"};

ami::ActionBuilder SetVariable(std::string_view channel, std::string_view name,
                               std::string_view value) {
  ami::ActionBuilder action("Setvar");
  action.Header("Channel", channel).Header("Variable", name).Header("Value", value);
  return action;
}

}  // namespace

ami::ActionBuilder FindExtensionAction(std::string_view context, std::string_view number) {
  ami::ActionBuilder action("Getvar");
  action.Header("Variable", fmt::format("DIALPLAN_EXISTS({},{},1)", context, number));
  return action;
}

std::optional<bool> ExtensionFound(const ami::Message& answer) {
  const std::string_view value = answer.Get("Value");
  if (value == "1") return true;
  if (value == "0") return false;
  return std::nullopt;
}

ami::ActionBuilder OriginateAction(const Originate& call) {
  ami::ActionBuilder action("Originate");
  action.Header("Channel", call.phone)
      .Header("Context", call.context)
      .Header("Exten", call.destination)
      .Header("Priority", "1")
      // Without a CallerID the called party sees what it sees when the phone dials, and the own
      // phone shows the destination.
      .Header("Variable", fmt::format("CONNECTEDLINE(num)={}", call.destination))
      // As for a number dialled on the phone: feature codes look at it.
      .Header("Variable", fmt::format("CALLERID(dnid)={}", call.destination))
      .Header("Timeout", fmt::to_string(call.rings.count()))
      .Header("Async", "true")
      .Header("ChannelId", call.uniqueid);
  return action;
}

ami::ActionBuilder HangupAction(std::string_view channel, bool ringing) {
  ami::ActionBuilder action("Hangup");
  action.Header("Channel", channel).Header("Cause", ringing ? "21" : "16");
  return action;
}

ami::ActionBuilder BlindTransferAction(std::string_view channel, std::string_view destination,
                                       std::string_view context) {
  ami::ActionBuilder action("BlindTransfer");
  action.Header("Channel", channel).Header("Exten", destination).Header("Context", context);
  return action;
}

std::array<ami::ActionBuilder, 4> ConsultActions(const Consult& consult) {
  ami::ActionBuilder redirect("Redirect");
  redirect.Header("Channel", consult.channel)
      .Header("Context", kConsultContext)
      .Header("Exten", consult.destination)
      .Header("Priority", "1")
      .Header("ExtraChannel", consult.held)
      .Header("ExtraContext", kHoldContext)
      .Header("ExtraExten", "s")
      .Header("ExtraPriority", "1");
  return {SetVariable(consult.channel, "UNIPRESENCE_HELD", consult.held_name),
          SetVariable(consult.channel, "UNIPRESENCE_CONSULT_CONTEXT", consult.context),
          SetVariable(consult.channel, "UNIPRESENCE_TRANSFERRED", ""), std::move(redirect)};
}

std::array<ami::ActionBuilder, 2> CompleteActions(std::string_view channel, std::string_view held,
                                                  std::string_view consulted) {
  ami::ActionBuilder bridge("Bridge");
  bridge.Header("Channel1", held).Header("Channel2", consulted);
  // So that the user's channel does not take the held one back when the other leaves it.
  return {SetVariable(channel, "UNIPRESENCE_TRANSFERRED", "1"), std::move(bridge)};
}

ami::ActionBuilder TakeBackAction(std::string_view channel) {
  ami::ActionBuilder action("Redirect");
  action.Header("Channel", channel)
      .Header("Context", kConsultContext)
      .Header("Exten", kBack)
      .Header("Priority", "1");
  return action;
}

bool IsChannelGone(std::string_view refusal) {
  return std::any_of(kChannelGone.begin(), kChannelGone.end(), [&](std::string_view words) {
    return refusal.find(words) != std::string_view::npos;
  });
}

}  // namespace unipresence::pbx
