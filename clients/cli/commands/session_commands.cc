// login, logout, whoami, session list.

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/commands/pages.h"
#include "clients/cli/commands/results.h"
#include "clients/cli/format_json.h"
#include "clients/cli/format_table.h"
#include "clients/cli/interrupt_source.h"
#include "clients/cli/password.h"
#include "clients/cli/session_holder.h"
#include "clients/cli/words.h"
#include "unipresence/v1/session.grpc.pb.h"

namespace unipresence::cli {
namespace {

using Stub = v1::SessionService::Stub;

absl::Status DeleteSession(CommandContext& context, const std::string& id) {
  v1::DeleteSessionRequest request;
  request.set_session(id);
  return context.Call(&Stub::DeleteSession, request).status();
}

// Logs in and stores the session.
absl::StatusOr<v1::CreateSessionResponse> CreateSession(const LoginOptions& options,
                                                        const std::string& password,
                                                        CommandContext& context) {
  v1::CreateSessionRequest request;
  request.set_username(options.username);
  request.set_password(password);
  request.set_kind(options.client ? v1::SESSION_KIND_CLIENT : v1::SESSION_KIND_ASSISTANT);
  request.set_client_name("unipresence " UNIPRESENCE_VERSION);
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string path, context.SessionFile());
  UNIPRESENCE_ASSIGN_OR_RETURN(v1::CreateSessionResponse created,
                               context.Call(&Stub::CreateSession, request));
  context.client().SetToken(created.token());
  const v1::Session& session = created.session();
  const absl::Status stored =
      WriteSessionFile(path, {.server = context.client().address(),
                              .user = session.user(),
                              .session = session.id(),
                              .kind = std::string(Word(session.kind())),
                              .token = created.token(),
                              .expire_time = FormatTime(session.expire_time())});
  if (!stored.ok()) {
    // A session that no command can use must not make the user count as logged in.
    DeleteSession(context, {}).IgnoreError();
    return stored;
  }
  return created;
}

// Was the session ended by `unipresence logout`? It removes the file right after the server has
// ended the session, so give it some time, even on a busy machine.
bool WasLoggedOutHere(const std::string& path, CommandContext& context) {
  for (int i = 0; i < 100; ++i) {
    if (absl::IsUnauthenticated(ReadSessionFile(path).status())) return true;
    if (context.interrupt().WaitFor(std::chrono::milliseconds(50))) return false;
  }
  return false;
}

void TellHeld(const v1::Session& session, CommandContext& context) {
  context.Print(SessionEventJson("HELD", session, context.client().address()),
                fmt::format("holding the session of {}: it ends with process {}, or by "
                            "`unipresence logout`",
                            Shown(session.user()), getpid()));
  if (context.on_held) context.on_held();
}

absl::Status Hold(const v1::Session& session, const std::string& token, CommandContext& context) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string path, context.SessionFile());
  SessionHolder holder(
      context.client(), session, context.interrupt(),
      {.held = [&](const v1::Session& held) { TellHeld(held, context); },
       .lost =
           [&](const absl::Status& error) {
             const std::string text(FromAbsl(error.message()));
             if (context.json()) context.out().Line(MarkerJson("DISCONNECTED", text));
             context.Remark(fmt::format("connection lost, trying again: {}", text));
           }});
  absl::Status status = holder.Run();
  if (status.ok()) {  // interrupted
    status = DeleteSession(context, {});
    if (absl::IsNotFound(status) || absl::IsUnauthenticated(status)) status = absl::OkStatus();
  } else if (absl::IsUnauthenticated(status) && WasLoggedOutHere(path, context)) {
    status = absl::OkStatus();
  }
  RemoveSessionFile(path, token).IgnoreError();
  if (!status.ok()) return status;
  context.Print(DoneJson("LOGGED_OUT", "user", session.user()),
                fmt::format("logged out {}", Shown(session.user())));
  return absl::OkStatus();
}

}  // namespace

absl::Status RunCommand(const LoginOptions& options, CommandContext& context) {
  UNIPRESENCE_ASSIGN_OR_RETURN(
      const std::string password,
      ReadPassword(options.password, fmt::format("Password of {}: ", options.username)));
  const bool hold = options.hold || options.background;
  // After the password, at whose prompt Ctrl-C just ends; before gRPC starts its threads.
  std::unique_ptr<SignalInterrupt> signals;
  if (hold) signals = std::make_unique<SignalInterrupt>(context.interrupt());
  context.ConnectToLogIn();
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::CreateSessionResponse created,
                               CreateSession(options, password, context));
  const v1::Session& session = created.session();
  context.Print(
      SessionEventJson("LOGGED_IN", session, context.client().address()),
      fmt::format("logged in as {}{}{}", Shown(session.user()),
                  options.client ? ", not counting as logged in" : "",
                  hold ? ""
                       : fmt::format("; the session ends {} after the last command, unless it is "
                                     "kept alive by --hold or --background",
                                     FormatDuration(session.time_to_live()))));
  return hold ? Hold(session, created.token(), context) : absl::OkStatus();
}

absl::Status RunCommand(const LogoutOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  const bool own = options.session.empty() || options.session == context.session().session;
  const absl::Status status = DeleteSession(context, own ? "" : options.session);
  if (!own) {
    UNIPRESENCE_RETURN_IF_ERROR(status);
    context.Print(DoneJson("SESSION_ENDED", "session", options.session),
                  fmt::format("ended session {}", Shown(options.session)));
    return absl::OkStatus();
  }
  // A session that has ended before is as good as one that ends now.
  if (!absl::IsUnauthenticated(status) && !absl::IsNotFound(status)) {
    UNIPRESENCE_RETURN_IF_ERROR(status);
  }
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string path, context.SessionFile());
  UNIPRESENCE_RETURN_IF_ERROR(RemoveSessionFile(path, context.session().token));
  context.Print(DoneJson("LOGGED_OUT", "user", context.session().user),
                fmt::format("logged out {}{}", Shown(context.session().user),
                            status.ok() ? "" : "; the session had ended before"));
  return absl::OkStatus();
}

absl::Status RunCommand(const WhoamiOptions& /*options*/, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::Session session,
                               context.Call(&Stub::GetSession, v1::GetSessionRequest()));
  if (context.json()) {
    context.out().Line(SessionJson(session));
  } else {
    WriteSession(session, context.client().address(), context.times(), context.out());
  }
  return absl::OkStatus();
}

absl::Status RunCommand(const SessionListOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  v1::ListSessionsRequest request;
  request.set_user(options.user);
  const TimeView view = context.times();
  Results<v1::Session> results(
      context, SessionColumns(view),
      [&](const v1::Session& session) { return SessionRow(session, view); }, &SessionJson);
  UNIPRESENCE_RETURN_IF_ERROR(
      ForEachPage(context, &Stub::ListSessions, request, [&](const v1::ListSessionsResponse& page) {
        for (const v1::Session& session : page.sessions()) results.Write(session);
      }));
  results.Finish();
  return absl::OkStatus();
}

}  // namespace unipresence::cli
