#ifndef UNIPRESENCE_CLIENTS_CLI_OPTIONS_H_
#define UNIPRESENCE_CLIENTS_CLI_OPTIONS_H_

// What was asked for on the command line, checked and in types: one struct per command. Values;
// command_line.h fills them.

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "aggregator/model/line_kind.h"
#include "unipresence/v1/presence.pb.h"
#include "unipresence/v1/user.pb.h"

namespace unipresence::cli {

// Wide: a table with all columns, however wide the terminal is.
enum class OutputFormat { kTable, kWide, kJson };

inline constexpr char kDefaultServer[] = "127.0.0.1:50051";

struct GlobalOptions {
  std::string server;        // empty = that of the session, else kDefaultServer
  std::string session_file;  // empty = DefaultSessionFile()
  OutputFormat output = OutputFormat::kTable;
  bool utc = false;  // tell times in UTC, not in the local zone; JSON has UTC anyway
  std::chrono::milliseconds timeout{10'000};  // of each single rpc; 60 s for `asterisk apply`
};

// Where a password comes from. None of both = the person is asked, if there is a terminal.
struct PasswordSource {
  std::string file;
  bool from_stdin = false;
};

struct LoginOptions {
  std::string username;
  PasswordSource password;
  bool hold = false;        // stay, and keep the session alive
  bool background = false;  // the same in a process of its own
  bool client = false;      // a session that does not count as logged in
};

struct LogoutOptions {
  std::string session;  // empty = the own one
};

struct WhoamiOptions {};

struct SessionListOptions {
  std::string user;  // empty = own sessions, for administrators those of everyone
};

struct SelectOptions {
  v1::LineKind device = v1::LINE_KIND_UNSPECIFIED;  // UNSPECIFIED = show
  std::string user;                                 // empty = own
};

struct DoNotDisturbOptions {
  std::optional<bool> on;  // nullopt = show
  std::string user;        // empty = own
};

struct CallsOptions {
  std::string user{};  // empty = own
  bool watch = false;
  bool reconnect = true;
};

struct CallOptions {
  std::string number{};
  std::string user{};        // empty = own
  std::string request_id{};  // empty = a new one
};

struct HangUpOptions {
  std::string call{};
  std::string user{};  // empty = own
};

struct TransferOptions {
  enum class Step { kBlind, kAttended, kComplete, kCancel };

  std::string call{};
  std::string number{};  // empty for kComplete and kCancel
  Step step = Step::kBlind;
  std::string user{};  // empty = own
};

struct ForwardGetOptions {
  std::string user;  // empty = own
};

struct ForwardSetOptions {
  v1::ForwardingCondition condition = v1::FORWARDING_CONDITION_UNSPECIFIED;
  std::string destination;  // empty = the one that was kept
  bool off = false;         // keep the destination, but do not forward
  std::string user;         // empty = own
};

struct ForwardClearOptions {
  v1::ForwardingCondition condition = v1::FORWARDING_CONDITION_UNSPECIFIED;  // UNSPECIFIED = all
  std::string user;                                                          // empty = own
};

struct GetPresenceOptions {
  std::vector<std::string> users;  // empty = own
};

struct ListOptions {
  std::vector<v1::PresenceState> states;  // empty = all
};

struct WatchOptions {
  std::vector<std::string> users;  // empty = everyone
  bool reconnect = true;
  bool all_changes = false;  // in the table also those that show nothing new
  bool mailboxes = false;    // those that the caller may read too; by gRPC only
  // Addresses of the server's ZeroMQ sockets, both or none: follow by them instead of gRPC.
  std::string zeromq_publish;
  std::string zeromq_snapshot;
};

struct WaitOptions {
  std::string user;  // empty = own
  std::vector<v1::PresenceState> states;
  std::optional<std::chrono::milliseconds> timeout;  // nullopt = for ever
};

struct VoicemailOptions {
  std::string user;  // empty = own
};

struct ExplainOptions {
  std::string user;  // empty = own
  int causes = 0;    // 0 = all that the server remembers
};

// `users add ID` and `users update ID`: what of a user is given by flags. nullopt = not given.
struct UserFlags {
  std::optional<std::string> display_name;
  std::optional<std::string> exten;
  std::optional<std::string> context;
  std::optional<v1::LineType> line_type;
  ByKind<std::optional<std::string>> devices;  // of the lines
  std::optional<std::string> pbx;              // of the lines given
  bool no_sip_account = false;                 // of the user's lines
  std::optional<std::string> username;
  std::optional<v1::Role> role;
  std::optional<std::uint32_t> ring_seconds;
  std::optional<std::string> voicemail;  // NUMBER or NUMBER@CONTEXT; empty = no box
  std::optional<std::string> voicemail_email;
  std::optional<std::string> voicemail_password_file;
  PasswordSource password;
};

struct UsersAddOptions {
  std::string file;  // YAML; else one user:
  std::string id;
  UserFlags flags;
  bool skip_existing = false;
};

struct UsersUpdateOptions {
  std::string id;
  UserFlags flags;
};

struct UsersListOptions {
  std::string query;  // empty = all
};

struct UsersGetOptions {
  std::string id;  // empty = own
};

struct UsersDeleteOptions {
  std::vector<std::string> ids;
};

struct PbxStatusOptions {
  std::vector<std::string> pbxs;  // empty = all
};

struct PbxReconcileOptions {
  std::string pbx;
};

struct AsteriskRenderOptions {
  std::string pbx;            // empty = the only one
  std::string output_folder;  // empty = stdout
};

struct AsteriskApplyOptions {
  std::string pbx;       // empty = the only one
  bool dry_run = false;  // show what would change
};

struct ServerStatusOptions {};

struct CompletionOptions {
  std::string shell;
};

struct VersionOptions {};

using CommandOptions =
    std::variant<LoginOptions, LogoutOptions, WhoamiOptions, SessionListOptions, SelectOptions,
                 DoNotDisturbOptions, CallsOptions, CallOptions, HangUpOptions, TransferOptions,
                 ForwardGetOptions, ForwardSetOptions, ForwardClearOptions, GetPresenceOptions,
                 ListOptions, WatchOptions, WaitOptions, VoicemailOptions, ExplainOptions,
                 UsersAddOptions, UsersUpdateOptions, UsersListOptions, UsersGetOptions,
                 UsersDeleteOptions, PbxStatusOptions, PbxReconcileOptions, AsteriskRenderOptions,
                 AsteriskApplyOptions, ServerStatusOptions, CompletionOptions, VersionOptions>;

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_OPTIONS_H_
