#ifndef UNIPRESENCE_CLIENTS_CLI_FORMAT_PRESENCE_H_
#define UNIPRESENCE_CLIENTS_CLI_FORMAT_PRESENCE_H_

// Presences for people: the rows of `list`, `get presence` and `watch`. Pure.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "clients/cli/table.h"
#include "clients/cli/time_view.h"
#include "unipresence/v1/mailbox.pb.h"
#include "unipresence/v1/presence.pb.h"

namespace unipresence::cli {

// What the directory says of a user; empty where it says nothing.
struct Person {
  std::string name;
  std::string number;
};

Colour ColourOf(v1::PresenceState state);
Cell StateCell(v1::PresenceState state);

std::vector<Column> PresenceColumns();
std::vector<Cell> PresenceRow(const v1::Presence& presence, const Person& person);

// `watch`: a line for each change, in columns wide enough for every word of the API.
std::vector<Column> UpdateColumns(const TimeView& view);
// Those of them that tell the value, not when and why it changed.
std::span<const std::size_t> UpdateValueColumns();
std::vector<Cell> UpdateRow(const v1::PresenceUpdate& update, const Person& person,
                            const TimeView& view);
// The same for a voicemail box, which is no presence.
std::vector<Cell> MailboxRow(const v1::Mailbox& mailbox, const Person& person,
                             const TimeView& view);

// "2 new, 1 old in 1001@default on main".
std::string MailboxText(const v1::Mailbox& mailbox);

// "PJSIP/alice RINGING, DEVICE_STATE_CHANGE on main", "HANGUP PJSIP/alice on main: NOT_INUSE",
// "LOGIN".
std::string CauseText(const v1::Cause& cause);

// What stands beside the state, in few words: "stale, do-not-disturb".
std::string NotesText(const v1::Presence& presence);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_FORMAT_PRESENCE_H_
