#ifndef UNIPRESENCE_CLIENTS_CLI_FORMAT_JSON_H_
#define UNIPRESENCE_CLIENTS_CLI_FORMAT_JSON_H_

// Results as JSON: each function gives one object in one line, without the line break.
//
// Enum values are words (words.h), null where nothing is known or nothing applies; times are RFC
// 3339 in UTC with microseconds, null if not set; fields keep their order. Fields are added, never
// renamed. Text that is not UTF-8 is mended. Pure.

#include <string>
#include <string_view>

#include "aggregator/base/text_file.h"
#include "unipresence/v1/administration.pb.h"
#include "unipresence/v1/call_control.pb.h"
#include "unipresence/v1/device_selection.pb.h"
#include "unipresence/v1/forwarding.pb.h"
#include "unipresence/v1/mailbox.pb.h"
#include "unipresence/v1/presence.pb.h"
#include "unipresence/v1/provisioning.pb.h"
#include "unipresence/v1/session.pb.h"
#include "unipresence/v1/user.pb.h"

namespace unipresence::cli {

std::string PresenceJson(const v1::Presence& presence);

// `watch`: event UPDATE with the fields of PresenceJson, or REMOVED.
std::string UpdateJson(const v1::PresenceUpdate& update);
// `watch`: `event` is CURRENT, RESET or DISCONNECTED; `message` is left out if empty.
std::string MarkerJson(std::string_view event, std::string_view message = {});

std::string ExplanationJson(const v1::ExplainPresenceResponse& explanation);

// `login`: `event` is LOGGED_IN or HELD.
std::string SessionJson(const v1::Session& session);
std::string SessionEventJson(std::string_view event, const v1::Session& session,
                             std::string_view server);

std::string SelectionJson(const v1::DeviceSelection& selection);
std::string DoNotDisturbJson(const v1::Forwarding& forwarding);
std::string ForwardingJson(const v1::Forwarding& forwarding);

// An empty event is left out; `watch`: MAILBOX.
std::string MailboxJson(const v1::Mailbox& mailbox, std::string_view event = {});

std::string CallJson(const v1::Call& call);
// `calls --watch`: event CALLS.
std::string CallListJson(const v1::WatchCallsResponse& list);
// `transfer --attended`.
std::string ConsultationJson(const v1::StartAttendedTransferResponse& transfer);

// Without passwords and secrets.
std::string UserJson(const v1::User& user);
std::string PbxJson(const v1::Pbx& pbx);
std::string ReconcileJson(std::string_view pbx, const v1::ReconcilePbxResponse& outcome);

std::string ServerStatusJson(const v1::ServerStatus& status, std::string_view server);

std::string ApplyJson(const v1::ApplyAsteriskConfigurationResponse& applied);

// A rendered file, with its secrets.
std::string TextFileJson(const TextFile& file);

// {"event": EVENT, NAME: VALUE}: what a command did, where the server answers nothing more. An
// empty event is left out.
std::string DoneJson(std::string_view event, std::string_view name, std::string_view value);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_FORMAT_JSON_H_
