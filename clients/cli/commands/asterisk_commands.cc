// asterisk render, apply.

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "aggregator/base/text_file.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/format_json.h"
#include "unipresence/v1/administration.grpc.pb.h"
#include "unipresence/v1/provisioning.grpc.pb.h"

namespace unipresence::cli {
namespace {

// The one that was named, or the only one there is.
absl::StatusOr<std::string> ChoosePbx(const std::string& named, CommandContext& context) {
  if (!named.empty()) return named;
  UNIPRESENCE_ASSIGN_OR_RETURN(
      const v1::ListPbxsResponse page,
      context.Call(&v1::AdministrationService::Stub::ListPbxs, v1::ListPbxsRequest()));
  if (page.pbxs_size() == 1) return page.pbxs(0).name();
  return absl::InvalidArgumentError(
      "the server has several PBXs; name one with --pbx (see `unipresence pbx status`)");
}

template <typename Users>
void LogSkipped(const Users& users, CommandContext& context) {
  for (const v1::SkippedUser& user : users) {
    context.Remark(fmt::format("left out: {}", user.message()));
  }
}

absl::StatusOr<std::vector<TextFile>> Render(const std::string& pbx, CommandContext& context) {
  v1::RenderAsteriskConfigurationRequest request;
  request.set_pbx(pbx);
  grpc::ClientContext rpc;
  context.client().PrepareStream(rpc);
  const Interrupt::Scope scope(context.interrupt(), rpc);
  const auto stub = v1::ProvisioningService::NewStub(context.client().channel());
  const auto stream = stub->RenderAsteriskConfiguration(&rpc, request);
  std::vector<TextFile> files;
  v1::RenderAsteriskConfigurationResponse piece;
  std::vector<v1::SkippedUser> skipped;
  client::MessageReader reader(*stream);
  while (reader.Read(piece)) {
    if (files.empty() || files.back().path != piece.path()) {
      files.push_back({.path = piece.path(), .content = {}});
    }
    files.back().content += piece.content();
    skipped.insert(skipped.end(), piece.skipped_users().begin(), piece.skipped_users().end());
  }
  if (reader.unreadable()) rpc.TryCancel();
  const absl::Status status = client::FromGrpc(stream->Finish());
  if (reader.unreadable()) return client::UnreadableError();
  UNIPRESENCE_RETURN_IF_ERROR(status);
  if (!context.json()) LogSkipped(skipped, context);
  for (const v1::SkippedUser& user : skipped) {
    if (context.json()) context.Report(absl::InvalidArgumentError(ToAbsl(user.message())));
  }
  return files;
}

// They hold secrets: only who asked for them may read them.
absl::Status WriteFiles(const std::string& folder, const std::vector<TextFile>& files) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::UnavailableError(
        fmt::format("cannot make {}: {}", folder, std::generic_category().message(errno)));
  }
  std::vector<FileState> states;
  for (const TextFile& file : files) states.push_back({file.path, file.content});
  return ReplaceFiles(folder, states, 0600);
}

std::string Told(v1::ApplyOutcome outcome, bool dry_run, const std::string& pbx) {
  switch (static_cast<int>(outcome)) {
    case v1::APPLY_OUTCOME_APPLIED:
      return fmt::format("{}: written, and loaded by Asterisk", pbx);
    case v1::APPLY_OUTCOME_VALIDATED:
      return fmt::format("{}: this would change; nothing was written", pbx);
    case v1::APPLY_OUTCOME_UNCHANGED:
      return fmt::format("{}: the files are as they should be{}", pbx,
                         dry_run ? "" : ", and loaded by Asterisk");
    default:
      return fmt::format("{}: done", pbx);
  }
}

}  // namespace

absl::Status RunCommand(const AsteriskRenderOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string pbx, ChoosePbx(options.pbx, context));
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::vector<TextFile> files, Render(pbx, context));
  if (!options.output_folder.empty()) {
    UNIPRESENCE_RETURN_IF_ERROR(WriteFiles(options.output_folder, files));
    for (const TextFile& file : files) {
      const std::string path = options.output_folder + "/" + file.path;
      context.Print(DoneJson("WRITTEN", "path", path), path);
    }
    return absl::OkStatus();
  }
  for (const TextFile& file : files) {
    context.Print(TextFileJson(file), fmt::format("; ==> {} <==\n{}", file.path, file.content));
  }
  return absl::OkStatus();
}

absl::Status RunCommand(const AsteriskApplyOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  v1::ApplyAsteriskConfigurationRequest request;
  UNIPRESENCE_ASSIGN_OR_RETURN(std::string pbx, ChoosePbx(options.pbx, context));
  request.set_pbx(std::move(pbx));
  request.set_validate_only(options.dry_run);
  UNIPRESENCE_ASSIGN_OR_RETURN(
      const v1::ApplyAsteriskConfigurationResponse applied,
      context.Call(&v1::ProvisioningService::Stub::ApplyAsteriskConfiguration, request));
  LogSkipped(applied.skipped_users(), context);
  std::string text;
  for (const v1::ConfigurationChange& change : applied.changes()) {
    text += change.diff();
    if (change.truncated()) text += "-- the rest is left out --\n";
  }
  context.Print(ApplyJson(applied), text + Told(applied.outcome(), options.dry_run, request.pbx()));
  return absl::OkStatus();
}

}  // namespace unipresence::cli
