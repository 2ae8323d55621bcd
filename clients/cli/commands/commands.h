#ifndef UNIPRESENCE_CLIENTS_CLI_COMMANDS_COMMANDS_H_
#define UNIPRESENCE_CLIENTS_CLI_COMMANDS_COMMANDS_H_

// The commands: each does what its options say, prints its result, and returns why it failed. Flags
// and help texts are in flags/, exit codes in failure.h.
//
// A status is an error that is still to be told; what a command told by CommandContext::Report it
// sums up in the status that it returns.

#include "absl/status/status.h"
#include "clients/cli/command_context.h"
#include "clients/cli/options.h"

namespace unipresence::cli {

// session_commands.cc
absl::Status RunCommand(const LoginOptions& options, CommandContext& context);
absl::Status RunCommand(const LogoutOptions& options, CommandContext& context);
absl::Status RunCommand(const WhoamiOptions& options, CommandContext& context);
absl::Status RunCommand(const SessionListOptions& options, CommandContext& context);

// selection_commands.cc
absl::Status RunCommand(const SelectOptions& options, CommandContext& context);
absl::Status RunCommand(const DoNotDisturbOptions& options, CommandContext& context);

// call_commands.cc; calls --watch calls_watch.cc
absl::Status RunCommand(const CallsOptions& options, CommandContext& context);
absl::Status RunCallsWatch(const CallsOptions& options, CommandContext& context);
absl::Status RunCommand(const CallOptions& options, CommandContext& context);
absl::Status RunCommand(const HangUpOptions& options, CommandContext& context);
absl::Status RunCommand(const TransferOptions& options, CommandContext& context);

// forward_commands.cc
absl::Status RunCommand(const ForwardGetOptions& options, CommandContext& context);
absl::Status RunCommand(const ForwardSetOptions& options, CommandContext& context);
absl::Status RunCommand(const ForwardClearOptions& options, CommandContext& context);

// presence_commands.cc
absl::Status RunCommand(const GetPresenceOptions& options, CommandContext& context);
absl::Status RunCommand(const ListOptions& options, CommandContext& context);
absl::Status RunCommand(const ExplainOptions& options, CommandContext& context);

// watch_command.cc; with --zeromq zeromq_watch.cc
absl::Status RunCommand(const WatchOptions& options, CommandContext& context);
absl::Status RunZeromqWatch(const WatchOptions& options, CommandContext& context);

// wait_command.cc
absl::Status RunCommand(const WaitOptions& options, CommandContext& context);

// voicemail_commands.cc
absl::Status RunCommand(const VoicemailOptions& options, CommandContext& context);

// user_commands.cc
absl::Status RunCommand(const UsersAddOptions& options, CommandContext& context);
absl::Status RunCommand(const UsersUpdateOptions& options, CommandContext& context);
absl::Status RunCommand(const UsersListOptions& options, CommandContext& context);
absl::Status RunCommand(const UsersGetOptions& options, CommandContext& context);
absl::Status RunCommand(const UsersDeleteOptions& options, CommandContext& context);

// asterisk_commands.cc
absl::Status RunCommand(const AsteriskRenderOptions& options, CommandContext& context);
absl::Status RunCommand(const AsteriskApplyOptions& options, CommandContext& context);

// administration_commands.cc
absl::Status RunCommand(const PbxStatusOptions& options, CommandContext& context);
absl::Status RunCommand(const PbxReconcileOptions& options, CommandContext& context);
absl::Status RunCommand(const ServerStatusOptions& options, CommandContext& context);
absl::Status RunCommand(const CompletionOptions& options, CommandContext& context);
absl::Status RunCommand(const VersionOptions& options, CommandContext& context);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_COMMANDS_COMMANDS_H_
