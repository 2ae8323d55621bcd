#include "server/account/asterisk_configuration.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "server/account/failure.h"
#include "server/account/unified_diff.h"

namespace unipresence {
namespace {

// As provisioning.proto says.
constexpr std::size_t kMaxDiffBytes = 256 << 10;
constexpr std::size_t kMaxDiffsBytes = 2 << 20;
// A file of a million users has 600 MB.
constexpr std::size_t kMaxFileBytes = std::size_t{2} << 30;
// They hold secrets: Asterisk reads them by the group of the folder.
constexpr mode_t kFileMode = 0640;
// Of names that are taken: in the message, and in the metadata, which has to fit into headers.
constexpr std::size_t kNamesTold = 10;
constexpr std::size_t kMaxNames = 50;

// kConfigurationRefused; the former configuration is in force.
absl::Status NotWritten(const std::string& pbx, std::string_view why) {
  return Failure(AccountProblem::kConfigurationRefused,
                 fmt::format("the configuration of PBX '{}' was not applied: {}", pbx, why),
                 {{"pbx", pbx}, {"message", why}});
}

// The first `count` of them, with commas.
std::string Joined(const std::vector<std::string>& names, std::size_t count) {
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(count, names.size()));
  return fmt::format("{}", fmt::join(names.begin(), end, ", "));
}

std::string Some(const std::vector<std::string>& names) {
  std::string text = Joined(names, kNamesTold);
  if (names.size() > kNamesTold) text += fmt::format(" and {} more", names.size() - kNamesTold);
  return text;
}

// kFieldRequired, kPbxNotFound.
absl::Status CheckPbx(const Core& core, const std::string& pbx) {
  if (pbx.empty()) return FieldRequired("pbx", "give the name of a PBX");
  const PbxTable& pbxs = core.pbxs;
  if (std::any_of(pbxs.begin(), pbxs.end(), [&](const PbxStatus& status) {
        return !status.address.empty() && status.name == pbx;
      })) {
    return absl::OkStatus();
  }
  return Failure(AccountProblem::kPbxNotFound,
                 fmt::format("the configuration has no PBX '{}'", pbx), {{"pbx", pbx}});
}

absl::StatusOr<std::vector<User>> UsersOn(const UserReader& reader, const std::string& pbx) {
  std::vector<User> users;
  UNIPRESENCE_RETURN_IF_ERROR(reader.ForEach(
      {.pbx = pbx}, [&](const StoredUser& stored) { users.push_back(stored.user); }));
  return users;
}

}  // namespace

void AsteriskConfiguration::Render(const Core& core, const std::string& pbx, RenderDone done) {
  if (absl::Status status = CheckPbx(core, pbx); !status.ok()) return std::move(done)(status);
  CallReadOrRefuse<std::vector<User>>(
      shared_.store, [pbx](const Snapshot& snapshot) { return UsersOn(snapshot.users, pbx); },
      [this, pbx, done = std::move(done)](absl::StatusOr<std::vector<User>> users) mutable {
        if (!users.ok()) return std::move(done)(FromStore(users.status(), {}));
        worker_.Post([this, pbx, users = *std::move(users), done = std::move(done)]() mutable {
          std::move(done)(ports_.render(pbx, users));
        });
      });
}

void AsteriskConfiguration::Apply(const Core& core, const std::string& pbx, bool validate_only,
                                  ApplyDone done) {
  if (absl::Status status = CheckPbx(core, pbx); !status.ok()) return std::move(done)(status);
  CallReadOrRefuse<std::vector<User>>(
      shared_.store, [pbx](const Snapshot& snapshot) { return UsersOn(snapshot.users, pbx); },
      [this, pbx, validate_only,
       done = std::move(done)](absl::StatusOr<std::vector<User>> users) mutable {
        if (!users.ok()) return std::move(done)(FromStore(users.status(), {}));
        worker_.Post([this, pbx, validate_only, users = *std::move(users),
                      done = std::move(done)]() mutable {
          std::move(done)(ApplyNow(pbx, validate_only, users));
        });
      });
}

std::vector<ConfigurationChange> AsteriskConfiguration::Compare(
    const std::vector<FileState>& before, const std::vector<TextFile>& after) const {
  std::vector<ConfigurationChange> changes;
  std::size_t left = kMaxDiffsBytes;
  for (std::size_t i = 0; i < after.size(); ++i) {
    static const std::string kNone;
    const std::string& former = before[i].content ? *before[i].content : kNone;
    if (before[i].content && former == after[i].content) continue;
    UnifiedDiff diff = DiffLines(after[i].path, former, after[i].content, ports_.mask_secret,
                                 std::min(kMaxDiffBytes, left));
    left -= diff.text.size();
    changes.push_back(
        {.path = after[i].path, .diff = std::move(diff.text), .truncated = diff.truncated});
  }
  return changes;
}

absl::StatusOr<AppliedConfiguration> AsteriskConfiguration::ApplyNow(
    const std::string& pbx, bool validate_only, const std::vector<User>& users) {
  using Outcome = AppliedConfiguration::Outcome;
  const auto folder = ports_.folders.find(pbx);
  if (folder == ports_.folders.end()) {
    return NotWritten(pbx, fmt::format("the server does not know where Asterisk's files are: set "
                                       "pbx.configuration_folder of '{}'",
                                       pbx));
  }
  RenderedConfiguration next = ports_.render(pbx, users);
  AppliedConfiguration applied;
  applied.skipped = std::move(next.skipped);
  std::vector<std::string> paths;
  std::vector<FileState> files;
  for (const TextFile& file : next.files) {
    paths.push_back(file.path);
    files.push_back({file.path, file.content});
  }
  const auto formers = ReadFiles(folder->second, paths, kMaxFileBytes);
  if (!formers.ok()) return NotWritten(pbx, FromAbsl(formers.status().message()));
  applied.changes = Compare(*formers, next.files);
  const bool unchanged = applied.changes.empty();
  const absl::Status link = CheckLink(pbx);
  if (validate_only) {
    applied.outcome = unchanged ? Outcome::kUnchanged : Outcome::kValidated;
    // The differences are known without a link.
    if (link.ok()) {
      UNIPRESENCE_RETURN_IF_ERROR(
          CheckNames(pbx, next.expected.names, *formers, PbxControl::Look::kAsItIs));
    }
    return applied;
  }
  UNIPRESENCE_RETURN_IF_ERROR(link);
  UNIPRESENCE_RETURN_IF_ERROR(
      CheckNames(pbx, next.expected.names, *formers, PbxControl::Look::kAfterReload));
  if (unchanged) {
    if (absl::Status set = SetModes(folder->second, paths, kFileMode); !set.ok()) {
      return NotWritten(pbx, FromAbsl(set.message()));
    }
    UNIPRESENCE_RETURN_IF_ERROR(LoadUnchanged(pbx, std::move(next.expected)));
    return applied;
  }
  if (absl::Status written = ReplaceFiles(folder->second, files, kFileMode); !written.ok()) {
    return NotWritten(pbx, FromAbsl(written.message()));
  }
  if (absl::Status loaded = Load(pbx, std::move(next.expected)); !loaded.ok()) {
    return PutBack(pbx, folder->second, *formers, loaded);
  }
  applied.outcome = Outcome::kApplied;
  return applied;
}

absl::Status AsteriskConfiguration::LoadUnchanged(const std::string& pbx,
                                                  ExpectedConfiguration expected) {
  absl::Status loaded = Load(pbx, std::move(expected));
  if (loaded.ok()) return loaded;
  if (absl::IsUnavailable(loaded)) {
    return Failure(AccountProblem::kPbxUnavailable, FromAbsl(loaded.message()), {{"pbx", pbx}});
  }
  return NotWritten(
      pbx, fmt::format("the files are as they should be, but: {}", FromAbsl(loaded.message())));
}

absl::Status AsteriskConfiguration::CheckNames(const std::string& pbx, const ConfiguredNames& next,
                                               const std::vector<FileState>& formers,
                                               PbxControl::Look look) {
  // Shared: where the server stops the callback is dropped.
  const auto conflicts = std::make_shared<std::vector<std::string>>();
  const absl::Status asked = OnPipeline([pbx, next, former = ports_.read_former(formers), look,
                                         conflicts](Core& core, Answer answer) mutable {
    core.pbx_control->FindConflicts(pbx, next, former, look,
                                    [conflicts, answer = std::move(answer)](
                                        absl::StatusOr<std::vector<std::string>> found) mutable {
                                      if (found.ok()) *conflicts = *std::move(found);
                                      std::move(answer)(found.status());
                                    });
  });
  if (absl::IsUnavailable(asked)) {
    return Failure(AccountProblem::kPbxUnavailable,
                   fmt::format("{}; nothing was written", FromAbsl(asked.message())),
                   {{"pbx", pbx}});
  }
  if (!asked.ok()) return NotWritten(pbx, FromAbsl(asked.message()));
  if (conflicts->empty()) return absl::OkStatus();
  return Failure(
      AccountProblem::kConfigurationConflict,
      fmt::format("nothing was written for PBX '{}': Asterisk has {} from elsewhere, and a second "
                  "one would make it refuse its configuration; remove it there, or keep the SIP "
                  "account there and give the user --no-sip-account",
                  pbx, Some(*conflicts)),
      {{"pbx", pbx}, {"names", Joined(*conflicts, kMaxNames)}});
}

absl::Status AsteriskConfiguration::PutBack(const std::string& pbx, const std::string& folder,
                                            const std::vector<FileState>& formers,
                                            const absl::Status& why) {
  absl::Status back = ReplaceFiles(folder, formers, kFileMode);
  if (back.ok()) back = Load(pbx, ports_.read_former(formers).expected);
  std::string message(why.message());
  if (back.ok()) {
    message += "; the former configuration is in force again";
  } else {
    message += fmt::format("; and the former configuration could not be put in force again: {}",
                           FromAbsl(back.message()));
    spdlog::error("pbx {}: {}", pbx, message);
  }
  if (absl::IsUnavailable(why)) {
    return Failure(AccountProblem::kPbxUnavailable, message, {{"pbx", pbx}});
  }
  return NotWritten(pbx, message);
}

absl::Status AsteriskConfiguration::CheckLink(const std::string& pbx) {
  return OnPipeline([pbx](Core& core, Answer answer) {
    for (const PbxStatus& status : core.pbxs) {
      if (status.name == pbx && status.link == LinkState::kSynced) {
        return std::move(answer)(absl::OkStatus());
      }
    }
    std::move(answer)(Failure(AccountProblem::kPbxUnavailable,
                              fmt::format("the link to PBX '{}' is down; nothing was written", pbx),
                              {{"pbx", pbx}}));
  });
}

absl::Status AsteriskConfiguration::Load(const std::string& pbx, ExpectedConfiguration expected) {
  return OnPipeline([pbx, expected = std::move(expected)](Core& core, Answer answer) mutable {
    core.pbx_control->Load(pbx, std::move(expected), std::move(answer));
  });
}

absl::Status AsteriskConfiguration::OnPipeline(absl::AnyInvocable<void(Core&, Answer) &&> command) {
  // Shared with a callback that may be destroyed unrun when the server stops: then the promise is
  // broken, and that is the answer.
  auto promise = std::make_unique<std::promise<absl::Status>>();
  std::future<absl::Status> future = promise->get_future();
  shared_.executor.Post(
      [command = std::move(command), promise = std::move(promise)](Core& core) mutable {
        std::move(command)(core, [promise = std::move(promise)](absl::Status status) {
          promise->set_value(std::move(status));
        });
      });
  try {
    return future.get();
  } catch (const std::future_error&) {
    return ServerStopping();
  }
}

}  // namespace unipresence
