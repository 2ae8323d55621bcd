#include "clients/cli/command_context.h"

#include <fmt/format.h>

#include <utility>

#include "absl/time/clock.h"
#include "aggregator/base/status_macros.h"
#include "clients/cli/failure.h"

namespace unipresence::cli {

CommandContext::CommandContext(GlobalOptions options, std::string command, Output& out,
                               Output& errors)
    : options_(std::move(options)), command_(std::move(command)), out_(out), errors_(errors) {}

TimeView CommandContext::times() const {
  return {.zone = options_.utc ? absl::UTCTimeZone() : absl::LocalTimeZone(), .now = absl::Now()};
}

absl::StatusOr<std::string> CommandContext::SessionFile() const {
  if (!options_.session_file.empty()) return options_.session_file;
  return DefaultSessionFile();
}

absl::Status CommandContext::Connect() {
  if (client_) return absl::OkStatus();
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string path, SessionFile());
  UNIPRESENCE_ASSIGN_OR_RETURN(session_, ReadSessionFile(path));
  // The token is a secret of the server that made it: another one must not see it.
  if (!options_.server.empty() && options_.server != session_.server) {
    return absl::UnauthenticatedError(
        fmt::format("the session in {} is of the server {}, not of {}", path, session_.server,
                    options_.server));
  }
  client_.emplace(client::ClientOptions{
      .address = session_.server, .timeout = options_.timeout, .credentials = nullptr});
  client_->SetToken(session_.token);
  return absl::OkStatus();
}

void CommandContext::ConnectToLogIn() {
  client_.emplace(
      client::ClientOptions{.address = options_.server.empty() ? kDefaultServer : options_.server,
                            .timeout = options_.timeout,
                            .credentials = nullptr});
}

void CommandContext::Report(const absl::Status& error, std::string_view remedy) {
  const FailureContext context{.command = command_,
                               .server = client_ ? std::string_view(client_->address()) : "",
                               .remedy = remedy};
  errors_.Line(json() ? FormatFailureJson(context, error) : FormatFailure(context, error));
}

void CommandContext::Remark(std::string_view text) {
  if (!json()) errors_.Line(fmt::format("unipresence {}: {}", command_, text));
}

void CommandContext::Print(const std::string& json_text, std::string_view text) {
  out_.Line(json() ? std::string_view(json_text) : text);
}

}  // namespace unipresence::cli
