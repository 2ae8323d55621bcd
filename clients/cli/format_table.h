#ifndef UNIPRESENCE_CLIENTS_CLI_FORMAT_TABLE_H_
#define UNIPRESENCE_CLIENTS_CLI_FORMAT_TABLE_H_

// Results for people: the rows of tables, and the story that `explain` tells. Pure, but for Explain
// and the other functions that write to an Output.

#include <string>
#include <string_view>
#include <vector>

#include "clients/cli/output.h"
#include "clients/cli/table.h"
#include "unipresence/v1/administration.pb.h"
#include "unipresence/v1/call_control.pb.h"
#include "unipresence/v1/forwarding.pb.h"
#include "unipresence/v1/mailbox.pb.h"
#include "unipresence/v1/presence.pb.h"
#include "unipresence/v1/session.pb.h"
#include "unipresence/v1/user.pb.h"

namespace unipresence::cli {

std::vector<std::string> PresenceHeader();
std::vector<Cell> PresenceRow(const v1::Presence& presence);

// `watch`: a line for each change, in columns wide enough for every word of the API.
std::vector<std::string> UpdateHeader();
std::vector<std::size_t> UpdateWidths();
std::vector<Cell> UpdateRow(const v1::PresenceUpdate& update);

// The same for a voicemail box, which is no presence.
std::vector<Cell> MailboxRow(const v1::Mailbox& mailbox);

// "2 new and 1 old messages in 1001@default on main".
std::string MailboxText(const v1::Mailbox& mailbox);

// "DEVICE_STATE_CHANGE PJSIP/alice on main: RINGING", "LOGIN".
std::string CauseText(const v1::Cause& cause);

void WriteExplanation(const v1::ExplainPresenceResponse& explanation, Output& output);

std::vector<std::string> CallHeader();
std::vector<Cell> CallRow(const v1::Call& call);
// "Bob (1002)", "1002", "-".
std::string PartyText(const v1::CallParty& party);

void WriteForwarding(const v1::Forwarding& forwarding, Output& output);

std::vector<std::string> SessionHeader();
std::vector<Cell> SessionRow(const v1::Session& session);
void WriteSession(const v1::Session& session, std::string_view server, Output& output);

std::vector<std::string> UserHeader();
std::vector<Cell> UserRow(const v1::User& user);
void WriteUser(const v1::User& user, Output& output);

std::vector<std::string> PbxHeader();
std::vector<Cell> PbxRow(const v1::Pbx& pbx);

void WriteReconcile(std::string_view pbx, const v1::ReconcilePbxResponse& outcome, Output& output);

void WriteServerStatus(const v1::ServerStatus& status, std::string_view server, Output& output);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_FORMAT_TABLE_H_
