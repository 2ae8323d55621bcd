#ifndef UNIPRESENCE_AGGREGATOR_PBX_CALL_DETAILS_H_
#define UNIPRESENCE_AGGREGATOR_PBX_CALL_DETAILS_H_

// What a Call tells of one channel beside direction and holds: the other party, how far it is,
// since when. Part of ChannelTable::Channel; channel_tracker.h says what reaches it.
//
// The other party (measured on Asterisk 16 and 22, which say the same):
//   received   the connected line: a NewConnectedLine right after the Newchannel names the caller,
//              a later one whoever came instead by a transfer
//   emitted    the number as it was dialled (Exten of the Newchannel) with the name of the
//              connected line, until that becomes another one than at first: by a transfer or a
//              forwarding
//   originate  born at the head of its own call, and neither dialled by the phone itself (it never
//              gets to Ring) nor dialling (DialBegin) before it is Up. Exten is "s" at birth; the
//              DialBegin, or a row, after the phone was picked up names what is dialled. Its
//              connected line is its own number until then: passed over
//
// Names and numbers come from phones, in any bytes: they are kept as valid texts (valid_text.h).
//
// An originated channel is Up as soon as the own phone was picked up; that the far side answered
// shows when it enters a bridge. An application that answers such a call says nothing, so the call
// counts as dialing until the next list.
//
// Thread: the pipeline's.

#include <string>
#include <string_view>

#include "aggregator/ami/message.h"
#include "aggregator/base/clock.h"
#include "aggregator/model/call.h"
#include "aggregator/pbx/spelling.h"

namespace unipresence::pbx {

struct CallDetails {
  std::string linkedid;
  std::string dialled;          // by the phone, or for it; empty if not known
  CallParty connected;          // the connected line as it was said last
  std::string first_connected;  // its first number since it is known what was dialled
  WallTimeMicros start_time = 0;
  WallTimeMicros answer_time = 0;  // 0: not answered, or when is not known
  bool originated = false;         // for the phone: it rang to be picked up
  bool answered = false;
};

// Linkedid and connected line, of an event or a row that has the headers of the channel. True if
// something changed.
bool TakeParty(CallDetails& details, const ami::Message& message);

// The number that is dialled, if the message names one and none is known.
bool TakeDialled(CallDetails& details, std::string_view number);

// A row of CoreShowChannels, about a channel that was `known` before or not. When it was answered
// is not in it.
void TakeListRow(CallDetails& details, const ami::Message& row, ChannelState state, bool known,
                 WallTimeMicros now);

// The channel is in that state now, and in a bridge or not. True if it is answered by that.
bool TakeState(CallDetails& details, CallDirection direction, ChannelState state, bool bridged,
               WallTimeMicros now);

CallState StateOf(const CallDetails& details, CallDirection direction, ChannelState state);
CallParty OtherParty(const CallDetails& details, CallDirection direction);

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_CALL_DETAILS_H_
