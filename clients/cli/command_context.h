#ifndef UNIPRESENCE_CLIENTS_CLI_COMMAND_CONTEXT_H_
#define UNIPRESENCE_CLIENTS_CLI_COMMAND_CONTEXT_H_

// What every command needs: the global options, where results and complaints go, the session that
// was stored by `login`, and the way to the server it belongs to.
//
// One per run of a command. Not thread-safe, but for `interrupt`.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/interrupt.h"
#include "clients/cli/options.h"
#include "clients/cli/output.h"
#include "clients/cli/session_file.h"
#include "clients/cli/table.h"
#include "clients/cli/time_view.h"
#include "clients/cpp/client.h"

namespace unipresence::cli {

class CommandContext {
 public:
  // `command` is its name, for messages: "get presence". The outputs must outlive the context.
  CommandContext(GlobalOptions options, std::string command, Output& out, Output& errors);
  CommandContext(const CommandContext&) = delete;
  CommandContext& operator=(const CommandContext&) = delete;

  Output& out() { return out_; }
  bool json() const { return options_.output == OutputFormat::kJson; }
  // How times are told to people now.
  TimeView times() const;
  // Raise it to end what runs on.
  Interrupt& interrupt() { return interrupt_; }

  // --session-file or its default.
  absl::StatusOr<std::string> SessionFile() const;

  // Reads the stored session and readies the client for its server. UNAUTHENTICATED if nobody is
  // logged in, or at another server than --server names. Calls after the first do nothing.
  absl::Status Connect();
  // Readies the client for --server without a session, to log in.
  void ConnectToLogIn();

  // After either of them.
  client::Client& client() { return *client_; }
  // After Connect().
  const StoredSession& session() const { return session_; }

  // One unary rpc over the client: `context.Call(&v1::PresenceService::Stub::GetPresence,
  // request)`.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*rpc)(grpc::ClientContext*, const Request&,
                                                          Response*),
                                const Request& request) {
    Stub stub(client_->channel());
    return client_->Call(stub, rpc, request);
  }

  // Tells an error on stderr and goes on: the rest of the command may succeed. `remedy`: a better
  // one than the usual of such an error, if not empty.
  void Report(const absl::Status& error, std::string_view remedy = {});
  // A remark for people on stderr; nothing with -o json.
  void Remark(std::string_view text);

  // One result: as JSON, or as a line of text.
  void Print(const std::string& json, std::string_view text);

  // Called by `login` once the session is held, to let the process that waits for it go. Empty
  // unless the command runs in the background.
  std::function<void()> on_held;

 private:
  const GlobalOptions options_;
  const std::string command_;
  Output& out_;
  Output& errors_;
  Interrupt interrupt_;
  StoredSession session_;
  std::optional<client::Client> client_;
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_COMMAND_CONTEXT_H_
