#ifndef UNIPRESENCE_AGGREGATOR_PBX_SPELLING_H_
#define UNIPRESENCE_AGGREGATOR_PBX_SPELLING_H_

// How Asterisk writes states and names. Pure; thread-safe.

#include <cstdint>
#include <optional>
#include <string_view>

#include "aggregator/model/device_state.h"

namespace unipresence::pbx {

// A device state as a token ("RINGINUSE": events, DeviceStateList) or in words ("Ring+Inuse", "Not
// in use", "On Hold": PJSIPShowEndpoints, other versions "NOT IN USE"). Case, blanks and signs do
// not matter. nullopt for anything else.
std::optional<DeviceState> ParseDeviceStateText(std::string_view text);

// ContactStatus and the Status of a ContactList row (res/res_pjsip/location.c; not as documented).
enum class ContactStatus : std::uint8_t {
  kNonQualified,
  kReachable,
  kUnreachable,
  kUnknown,
  kRemoved,
};
std::optional<ContactStatus> ParseContactStatus(std::string_view text);

// Whether Asterisk dials such a contact: all but those that do not answer or are gone.
bool Callable(ContactStatus status);

// The device a channel belongs to: "PJSIP/alice" of "PJSIP/alice-00000001". Empty for channels that
// are nobody's: both halves of Local/, the helpers AsyncGoto/ and Surrogate/, what a masquerade
// leaves behind ("...<ZOMBIE>"), and anything that is no channel name.
std::string_view DeviceOfChannel(std::string_view channel);

// ChannelState (include/asterisk/channelstate.h).
enum class ChannelState : std::uint8_t {
  kDown = 0,
  kReserved = 1,
  kOffHook = 2,
  kDialing = 3,
  kRing = 4,  // the phone has dialled: it is the originator
  kRinging = 5,
  kUp = 6,
  kBusy = 7,
  kDialingOffHook = 8,
  kPreRing = 9,
};
// Whether only a phone gets there whose user lifted the handset or dialled: nobody who is called,
// and no Originate. Reserved is not among them: an analog phone that is called is born so too.
bool DialsItself(ChannelState state);
// The number as Asterisk writes it; nullopt for anything else.
std::optional<ChannelState> ParseChannelState(std::string_view text);

// Whether the text of an error says that a list is there and empty: "No Contacts found\n" (with the
// LF), "No endpoints found", "No dialplan hints are available".
bool SaysNone(std::string_view text);

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_SPELLING_H_
