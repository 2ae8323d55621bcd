#ifndef UNIPRESENCE_CLIENTS_CLI_FORMAT_TABLE_H_
#define UNIPRESENCE_CLIENTS_CLI_FORMAT_TABLE_H_

// Results for people: the rows of tables, and resources with a line for each field. Presences are
// in format_presence.h.

#include <string>
#include <string_view>
#include <vector>

#include "clients/cli/output.h"
#include "clients/cli/table.h"
#include "clients/cli/time_view.h"
#include "unipresence/v1/administration.pb.h"
#include "unipresence/v1/call_control.pb.h"
#include "unipresence/v1/forwarding.pb.h"
#include "unipresence/v1/session.pb.h"
#include "unipresence/v1/user.pb.h"

namespace unipresence::cli {

std::vector<Column> CallColumns(const TimeView& view);
std::vector<Cell> CallRow(const v1::Call& call, const TimeView& view);
// "Bob (1002)", "1002", "-".
std::string PartyText(const v1::CallParty& party);

void WriteForwarding(const v1::Forwarding& forwarding, const TimeView& view, Output& output);

std::vector<Column> SessionColumns(const TimeView& view);
std::vector<Cell> SessionRow(const v1::Session& session, const TimeView& view);
void WriteSession(const v1::Session& session, std::string_view server, const TimeView& view,
                  Output& output);

std::vector<Column> UserColumns();
std::vector<Cell> UserRow(const v1::User& user);
void WriteUser(const v1::User& user, const TimeView& view, Output& output);

std::vector<Column> PbxColumns(const TimeView& view);
std::vector<Cell> PbxRow(const v1::Pbx& pbx, const TimeView& view);
// What is to be said of a PBX beside its row: each a sentence that begins with its name. Nothing
// for one that is well.
std::vector<std::string> PbxRemarks(const v1::Pbx& pbx, const TimeView& view);

void WriteReconcile(std::string_view pbx, const v1::ReconcilePbxResponse& outcome, Output& output);

void WriteServerStatus(const v1::ServerStatus& status, std::string_view server,
                       const TimeView& view, Output& output);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_FORMAT_TABLE_H_
