#ifndef UNIPRESENCE_SERVER_ACCOUNT_ASTERISK_CONFIGURATION_H_
#define UNIPRESENCE_SERVER_ACCOUNT_ASTERISK_CONFIGURATION_H_

// The configuration that Asterisk needs for the users: rendered, compared with its files, written
// and loaded.
//
//   pipeline: is there such a PBX -> store: its users -> worker: render, compare -> pipeline: are
//   names taken -> worker: write -> pipeline: reload, is this what Asterisk holds, list what is new
//   -> worker: answer, or put the former files back
//
// Files that are as they should be are looked for in Asterisk all the same: it may never have
// loaded them, or could not do so again.
//
// Rendering a million users takes seconds, disks block and a reload is waited for, so all that is
// on a thread of its own, `configuration`: one request after the other.

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/task_thread.h"
#include "aggregator/base/text_file.h"
#include "aggregator/model/rendered_configuration.h"
#include "aggregator/model/user.h"
#include "server/account/account_context.h"

namespace unipresence {

// What the server says of the PBXs' configuration.
struct ConfigurationPorts {
  // All know Asterisk's spelling (aggregator/pbx/configuration.h) and are thread-safe.
  std::function<RenderedConfiguration(std::string_view pbx, std::span<const User> users)> render;
  std::function<FormerConfiguration(std::span<const FileState> files)> read_former;
  std::function<std::string(std::string_view line)> mask_secret;
  // By PBX: where the files are written. No entry: nowhere.
  std::map<std::string, std::string> folders;
};

// How a file differs from what was rendered.
struct ConfigurationChange {
  std::string path;
  std::string diff;        // unified, secrets masked
  bool truncated = false;  // the diff is longer than is shown
};

struct AppliedConfiguration {
  enum class Outcome : std::uint8_t { kUnchanged, kValidated, kApplied };
  Outcome outcome = Outcome::kUnchanged;
  std::vector<ConfigurationChange> changes;
  std::vector<SkippedUser> skipped;
};

class AsteriskConfiguration {
 public:
  // `shared` must outlive the object.
  AsteriskConfiguration(const AccountContext& shared, ConfigurationPorts ports)
      : shared_(shared), ports_(std::move(ports)) {}

  // Thread of both: the pipeline's. `done` is called once, on any thread, or destroyed uncalled if
  // the server stops before. Both: kFieldRequired, kPbxNotFound, kStoreUnavailable.

  using RenderDone = absl::AnyInvocable<void(absl::StatusOr<RenderedConfiguration>) &&>;
  void Render(const Core& core, const std::string& pbx, RenderDone done);

  using ApplyDone = absl::AnyInvocable<void(absl::StatusOr<AppliedConfiguration>) &&>;
  // Writes nothing if `validate_only`. kConfigurationConflict: nothing was written.
  // kConfigurationRefused, kPbxUnavailable: the former configuration is in force, or the message
  // says that it could not be put back.
  void Apply(const Core& core, const std::string& pbx, bool validate_only, ApplyDone done);

  // Ends the worker, after what is queued; once the pipeline has stopped. Before the objects that
  // it uses go.
  void Stop() { worker_.Stop(); }

 private:
  // Thread of these: the worker's.
  absl::StatusOr<AppliedConfiguration> ApplyNow(const std::string& pbx, bool validate_only,
                                                const std::vector<User>& users);
  std::vector<ConfigurationChange> Compare(const std::vector<FileState>& before,
                                           const std::vector<TextFile>& after) const;
  // The failure that `why` is for who asked, with the former files in force again.
  absl::Status PutBack(const std::string& pbx, const std::string& folder,
                       const std::vector<FileState>& formers, const absl::Status& why);
  // kConfigurationConflict; kConfigurationRefused where Asterisk cannot read its own files;
  // kPbxUnavailable.
  absl::Status CheckNames(const std::string& pbx, const ConfiguredNames& next,
                          const std::vector<FileState>& formers, PbxControl::Look look);
  // kPbxUnavailable.
  absl::Status CheckLink(const std::string& pbx);
  // For files that are as they should be.
  absl::Status LoadUnchanged(const std::string& pbx, ExpectedConfiguration expected);
  // Runs PbxControl::Load and waits for it.
  absl::Status Load(const std::string& pbx, ExpectedConfiguration expected);
  // Runs a command on the pipeline and waits until it answers.
  using Answer = PbxControl::LoadCallback;
  absl::Status OnPipeline(absl::AnyInvocable<void(Core&, Answer) &&> command);

  const AccountContext& shared_;
  const ConfigurationPorts ports_;
  TaskThread worker_{"configuration"};
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_ASTERISK_CONFIGURATION_H_
