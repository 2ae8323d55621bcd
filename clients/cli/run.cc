#include "clients/cli/run.h"

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <variant>

#include "clients/cli/background.h"
#include "clients/cli/command_context.h"
#include "clients/cli/command_line.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/commands/user_advice.h"
#include "clients/cli/failure.h"

namespace unipresence::cli {
namespace {

// gRPC's own log would stand between our messages on stderr.
void SilenceGrpcLog() {
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
}

// Text that ends with a line break already.
void Print(std::string text, int fd) {
  if (text.ends_with('\n')) text.pop_back();
  Output(fd).Line(text);
}

int Execute(const Invocation& invocation, Output& out, Output& errors,
            std::function<void()> on_held) {
  CommandContext context(invocation.global, invocation.name, out, errors);
  context.on_held = std::move(on_held);
  const absl::Status status = std::visit(
      [&context](const auto& options) { return RunCommand(options, context); }, invocation.command);
  if (!status.ok()) context.Report(status, AdviceOnUser(status, context));
  // Results that could not be written are lost results, unless nobody wanted to read on.
  if (status.ok() && out.error() != 0 && out.error() != EPIPE) {
    context.Report(
        absl::DataLossError(fmt::format("cannot write to stdout: {}", std::strerror(out.error()))));
    return static_cast<int>(ExitCode::kFailure);
  }
  return static_cast<int>(ExitCodeOf(status));
}

int ExecuteInBackground(const Invocation& invocation, Output& out, Output& errors) {
  Background background;
  if (background.failed()) {
    errors.Line(fmt::format("unipresence {}: cannot start a process: {}", invocation.name,
                            std::strerror(errno)));
    return static_cast<int>(ExitCode::kFailure);
  }
  if (background.in_parent()) return background.WaitForChild(out);
  Output to_parent(background.output_fd());
  return Execute(invocation, to_parent, errors, [&background] { background.Release(); });
}

}  // namespace

int RunProgram(std::span<const std::string> arguments) {
  // A reader that goes away is seen by write(); a held session must outlive it.
  signal(SIGPIPE, SIG_IGN);
  SilenceGrpcLog();
  const auto parsed = ParseCommandLine(arguments);
  if (const auto* exit = std::get_if<EarlyExit>(&parsed)) {
    Print(exit->text, exit->code == ExitCode::kOk ? STDOUT_FILENO : STDERR_FILENO);
    return static_cast<int>(exit->code);
  }
  const Invocation& invocation = std::get<Invocation>(parsed);
  const bool fits = invocation.global.output == OutputFormat::kTable;
  Output out(STDOUT_FILENO, Output::TerminalWithColours(STDOUT_FILENO),
             fits ? std::function([] { return Output::TerminalWidth(STDOUT_FILENO); }) : nullptr);
  Output errors(STDERR_FILENO);
  const auto* login = std::get_if<LoginOptions>(&invocation.command);
  if (login != nullptr && login->background) return ExecuteInBackground(invocation, out, errors);
  return Execute(invocation, out, errors, {});
}

}  // namespace unipresence::cli
