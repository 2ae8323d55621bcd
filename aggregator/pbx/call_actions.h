#ifndef UNIPRESENCE_AGGREGATOR_PBX_CALL_ACTIONS_H_
#define UNIPRESENCE_AGGREGATOR_PBX_CALL_ACTIONS_H_

// The actions that place, end and move calls. Measured on Asterisk 16 and 22:
//
//   Getvar         DIALPLAN_EXISTS(context,number,1): Asterisk matches patterns and included
//                  contexts. (ShowDialPlan needs rights that a server should not have.)
//   Originate      Async, with a ChannelId of ours, so that the call has its name before it exists.
//                  Asterisk refuses a ChannelId that lives
//   Hangup         of one channel; cause 21 (call rejected) while it rings, else 16 (Q.850)
//   BlindTransfer  to a number that does not exist Asterisk "succeeds" and drops the call: ask
//                  Getvar before
//   attended       in deploy/asterisk: the context unipresence-consult dials for the user's
//                  channel and takes the held one back when nobody answers, unipresence-hold plays
//                  music. One Redirect sends both channels there; Bridge completes, another
//                  Redirect takes back. (Atxfer types DTMF into the call: seconds slow, needs Dial
//                  options that an existing dialplan lacks, and leaves the user no second call to
//                  show.)
//
// Channels may be named by Uniqueid: they keep it when they are renamed, and no channel gets it
// again. Values that AMI cannot carry make the action an error (ami/action.h). Pure; thread-safe.

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

#include "aggregator/ami/action.h"
#include "aggregator/ami/message.h"

namespace unipresence::pbx {

// The place in the dialplan that dials for a consultation; its extensions are the destinations.
inline constexpr std::string_view kConsultContext = "unipresence-consult";

// Whether the context reaches the number.
ami::ActionBuilder FindExtensionAction(std::string_view context, std::string_view number);
// What the answer says; nullopt if Asterisk cannot tell, because it has not loaded
// func_dialplan.so.
std::optional<bool> ExtensionFound(const ami::Message& answer);

// The phone rings for `rings`, and when it is picked up the destination is called.
struct Originate {
  std::string_view phone;  // "PJSIP/alice"
  std::string_view context;
  std::string_view destination;
  std::string_view uniqueid;  // that the channel is to have
  std::chrono::milliseconds rings;
};
ami::ActionBuilder OriginateAction(const Originate& call);

ami::ActionBuilder HangupAction(std::string_view channel, bool ringing);

ami::ActionBuilder BlindTransferAction(std::string_view channel, std::string_view destination,
                                       std::string_view context);

// One call becomes two: the user's channel dials the destination, which `context` reaches, and the
// other one waits. Asterisk obeys the actions of a link one after the other, so only the last of
// these needs to be waited for: without the variables it fails as well.
struct Consult {
  std::string_view channel;
  std::string_view held;       // Uniqueid of the other party's channel
  std::string_view held_name;  // its name
  std::string_view context;
  std::string_view destination;
};
std::array<ami::ActionBuilder, 4> ConsultActions(const Consult& consult);
// The held channel and the consulted one talk, the user's goes; the last one as above.
std::array<ami::ActionBuilder, 2> CompleteActions(std::string_view channel, std::string_view held,
                                                  std::string_view consulted);
// The user's channel leaves the consultation and takes the held one back.
ami::ActionBuilder TakeBackAction(std::string_view channel);

// Whether an action was refused with these words because a channel of it is gone, or not in a call
// any more: 16 and 22 differ, and so do the actions.
bool IsChannelGone(std::string_view refusal);

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_CALL_ACTIONS_H_
