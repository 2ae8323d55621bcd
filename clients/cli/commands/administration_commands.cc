// pbx status, pbx reconcile, server status, completion, version.

#include <string>
#include <utility>
#include <vector>

#include "aggregator/base/status_macros.h"
#include "clients/cli/command_line.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/commands/pages.h"
#include "clients/cli/commands/results.h"
#include "clients/cli/completion.h"
#include "clients/cli/format_json.h"
#include "clients/cli/format_table.h"
#include "unipresence/v1/administration.grpc.pb.h"

namespace unipresence::cli {
namespace {

using Stub = v1::AdministrationService::Stub;

// Below the table; JSON has it all in its fields.
void WriteRemarks(const std::vector<std::string>& remarks, CommandContext& context) {
  if (context.json()) return;
  for (const std::string& remark : remarks) {
    for (const std::string& line : Wrapped(remark, context.out().width())) context.out().Line(line);
  }
}

}  // namespace

absl::Status RunCommand(const PbxStatusOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  const TimeView view = context.times();
  Results<v1::Pbx> results(
      context, PbxColumns(view), [&](const v1::Pbx& pbx) { return PbxRow(pbx, view); }, &PbxJson);
  std::vector<std::string> remarks;
  const auto write = [&](const v1::Pbx& pbx) {
    results.Write(pbx);
    for (std::string& remark : PbxRemarks(pbx, view)) remarks.push_back(std::move(remark));
  };
  if (options.pbxs.empty()) {
    UNIPRESENCE_RETURN_IF_ERROR(ForEachPage(context, &Stub::ListPbxs, v1::ListPbxsRequest(),
                                            [&](const v1::ListPbxsResponse& page) {
                                              for (const v1::Pbx& pbx : page.pbxs()) write(pbx);
                                            }));
    results.Finish();
    WriteRemarks(remarks, context);
    return absl::OkStatus();
  }
  absl::Status first_missing;
  for (const std::string& name : options.pbxs) {
    v1::GetPbxRequest request;
    request.set_pbx(name);
    const absl::StatusOr<v1::Pbx> pbx = context.Call(&Stub::GetPbx, request);
    if (!pbx.ok() && !absl::IsNotFound(pbx.status())) return pbx.status();
    if (pbx.ok()) write(*pbx);
    // The status returned is told by the caller.
    if (!first_missing.ok() && !pbx.ok()) context.Report(pbx.status());
    first_missing.Update(pbx.status());
  }
  if (!remarks.empty()) results.Finish();
  WriteRemarks(remarks, context);
  return first_missing;
}

absl::Status RunCommand(const PbxReconcileOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  v1::ReconcilePbxRequest request;
  request.set_pbx(options.pbx);
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::ReconcilePbxResponse outcome,
                               context.Call(&Stub::ReconcilePbx, request));
  if (context.json()) {
    context.out().Line(ReconcileJson(options.pbx, outcome));
  } else {
    WriteReconcile(options.pbx, outcome, context.out());
  }
  return absl::OkStatus();
}

absl::Status RunCommand(const ServerStatusOptions& /*options*/, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::ServerStatus status,
                               context.Call(&Stub::GetServerStatus, v1::GetServerStatusRequest()));
  if (context.json()) {
    context.out().Line(ServerStatusJson(status, context.client().address()));
  } else {
    WriteServerStatus(status, context.client().address(), context.times(), context.out());
  }
  return absl::OkStatus();
}

absl::Status RunCommand(const CompletionOptions& options, CommandContext& context) {
  UNIPRESENCE_ASSIGN_OR_RETURN(std::string script,
                               CompletionScript(options.shell, DescribeCommands()));
  if (script.ends_with('\n')) script.pop_back();
  context.out().Line(script);
  return absl::OkStatus();
}

absl::Status RunCommand(const VersionOptions& /*options*/, CommandContext& context) {
  context.Print(DoneJson("", "version", UNIPRESENCE_VERSION), "unipresence " UNIPRESENCE_VERSION);
  return absl::OkStatus();
}

}  // namespace unipresence::cli
