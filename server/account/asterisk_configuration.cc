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
#include "server/account/unified_diff.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

// Of a response; far below gRPC's limit of 4 MiB.
constexpr std::size_t kPieceBytes = 64 << 10;
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

// FAILED_PRECONDITION: CONFIGURATION_REFUSED; the former configuration is in force.
absl::Status NotWritten(const std::string& pbx, std::string_view why) {
  return Failure(v1::ERROR_REASON_CONFIGURATION_REFUSED,
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

// NOT_FOUND: PBX_NOT_FOUND.
absl::Status CheckPbx(const Core& core, const std::string& pbx) {
  if (pbx.empty()) return FieldRequired("pbx", "give the name of a PBX");
  const std::vector<PbxStatus>& pbxs = core.engine.pbxs();
  if (std::any_of(pbxs.begin(), pbxs.end(), [&](const PbxStatus& status) {
        return !status.address.empty() && status.name == pbx;
      })) {
    return absl::OkStatus();
  }
  return Failure(v1::ERROR_REASON_PBX_NOT_FOUND,
                 fmt::format("the configuration has no PBX '{}'", pbx), {{"pbx", pbx}});
}

absl::StatusOr<std::vector<User>> UsersOn(Store& store, const std::string& pbx) {
  std::vector<User> users;
  UNIPRESENCE_RETURN_IF_ERROR(store.ForEachUser([&](const StoredUser& stored) {
    const std::vector<Line>& lines = stored.user.lines;
    if (std::any_of(lines.begin(), lines.end(),
                    [&](const Line& line) { return line.pbx == pbx; })) {
      users.push_back(stored.user);
    }
  }));
  return users;
}

void FillSkipped(const std::vector<SkippedUser>& skipped,
                 google::protobuf::RepeatedPtrField<v1::SkippedUser>& out) {
  for (const SkippedUser& user : skipped) {
    v1::SkippedUser& message = *out.Add();
    message.set_user(user.id);
    message.set_message(user.message);
  }
}

// A response that is being streamed. It deletes itself when gRPC is done with it.
class RenderStream final : public AsteriskConfiguration::RenderReactor {
 public:
  explicit RenderStream(const ServiceContext& shared) : shared_(shared) {}

  // One of both, once.
  void Send(RenderedConfiguration rendered) {
    files_ = std::move(rendered.files);
    FillSkipped(rendered.skipped, *response_.mutable_skipped_users());
    Next();
  }
  void Fail(const absl::Status& status) {
    Finish(AnswerOf(shared_, Method::kRenderAsteriskConfiguration, status));
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Fail(absl::CancelledError("the client ended the stream"));
    response_.clear_skipped_users();
    Next();
  }
  void OnDone() override { delete this; }

 private:
  void Next() {
    if (file_ == files_.size()) return Fail(absl::OkStatus());
    const TextFile& file = files_[file_];
    response_.set_path(file.path);
    response_.set_content(file.content.substr(offset_, kPieceBytes));
    offset_ += kPieceBytes;
    if (offset_ >= file.content.size()) {
      ++file_;
      offset_ = 0;
    }
    StartWrite(&response_);
  }

  const ServiceContext& shared_;
  std::vector<TextFile> files_;
  std::size_t file_ = 0;
  std::size_t offset_ = 0;
  v1::RenderAsteriskConfigurationResponse response_;
};

// The obligation to answer: dropped by a full queue or a stopping thread, the client is told so.
struct FailDropped {
  const ServiceContext* shared;
  void operator()(RenderStream* stream) const {
    stream->Fail(shared->stopping ? ServerStopping() : ServerOverloaded());
  }
};
using RenderReply = std::unique_ptr<RenderStream, FailDropped>;

}  // namespace

AsteriskConfiguration::RenderReactor* AsteriskConfiguration::Render(
    grpc::CallbackServerContext* context, const v1::RenderAsteriskConfigurationRequest* request) {
  auto* const stream = new RenderStream(shared_);
  RenderReply reply(stream, FailDropped{&shared_});
  const absl::StatusOr<SessionKey> key = KeyOf(*context);
  if (!key.ok()) {
    reply.release()->Fail(key.status());
    return stream;
  }
  shared_.executor.Post([this, key = *key, pbx = request->pbx(),
                         reply = std::move(reply)](Core& core) mutable {
    const absl::StatusOr<Caller> caller = shared_.sessions.Authenticate(core, key);
    absl::Status status = caller.status();
    if (status.ok()) status = Authorize(Method::kRenderAsteriskConfiguration, *caller, {});
    if (status.ok()) status = CheckPbx(core, pbx);
    if (!status.ok()) return reply.release()->Fail(status);
    shared_.store.Call<std::vector<User>>(
        [pbx](Store& store) { return UsersOn(store, pbx); },
        [this, pbx, reply = std::move(reply)](absl::StatusOr<std::vector<User>> users) mutable {
          if (!users.ok()) return reply.release()->Fail(FromStore(users.status(), {}));
          worker_.Post([this, pbx, users = *std::move(users), reply = std::move(reply)]() mutable {
            reply.release()->Send(ports_.render(pbx, users));
          });
        });
  });
  return stream;
}

grpc::ServerUnaryReactor* AsteriskConfiguration::Apply(
    grpc::CallbackServerContext* context, const v1::ApplyAsteriskConfigurationRequest* request,
    v1::ApplyAsteriskConfigurationResponse* response) {
  using Call =
      UnaryCall<v1::ApplyAsteriskConfigurationRequest, v1::ApplyAsteriskConfigurationResponse>;
  return RunUnary(
      shared_, Method::kApplyAsteriskConfiguration, context, request, response, [this](Call call) {
        if (absl::Status status = CheckPbx(call.core, call.request.pbx()); !status.ok()) {
          return std::move(call.reply).Fail(status);
        }
        shared_.store.Call<std::vector<User>>(
            [pbx = call.request.pbx()](Store& store) { return UsersOn(store, pbx); },
            [this, &request = call.request,
             reply = std::move(call.reply)](absl::StatusOr<std::vector<User>> users) mutable {
              if (!users.ok()) return std::move(reply).Fail(FromStore(users.status(), {}));
              worker_.Post(
                  [this, &request, users = *std::move(users), reply = std::move(reply)]() mutable {
                    absl::Status applied = ApplyNow(request, users, reply.response());
                    if (!applied.ok()) return std::move(reply).Fail(applied);
                    std::move(reply).Ok();
                  });
            });
      });
}

void AsteriskConfiguration::Compare(const std::vector<FileState>& before,
                                    const std::vector<TextFile>& after,
                                    v1::ApplyAsteriskConfigurationResponse& response) const {
  std::size_t left = kMaxDiffsBytes;
  for (std::size_t i = 0; i < after.size(); ++i) {
    static const std::string kNone;
    const std::string& former = before[i].content ? *before[i].content : kNone;
    if (before[i].content && former == after[i].content) continue;
    UnifiedDiff diff = DiffLines(after[i].path, former, after[i].content, ports_.mask_secret,
                                 std::min(kMaxDiffBytes, left));
    left -= diff.text.size();
    v1::ConfigurationChange& change = *response.add_changes();
    change.set_path(after[i].path);
    change.set_diff(std::move(diff.text));
    change.set_truncated(diff.truncated);
  }
}

absl::Status AsteriskConfiguration::ApplyNow(const v1::ApplyAsteriskConfigurationRequest& request,
                                             const std::vector<User>& users,
                                             v1::ApplyAsteriskConfigurationResponse& response) {
  const std::string& pbx = request.pbx();
  const auto folder = ports_.folders.find(pbx);
  if (folder == ports_.folders.end()) {
    return NotWritten(pbx, fmt::format("the server does not know where Asterisk's files are: set "
                                       "pbx.configuration_folder of '{}'",
                                       pbx));
  }
  RenderedConfiguration next = ports_.render(pbx, users);
  FillSkipped(next.skipped, *response.mutable_skipped_users());
  std::vector<std::string> paths;
  std::vector<FileState> files;
  for (const TextFile& file : next.files) {
    paths.push_back(file.path);
    files.push_back({file.path, file.content});
  }
  const auto formers = ReadFiles(folder->second, paths, kMaxFileBytes);
  if (!formers.ok()) return NotWritten(pbx, FromAbsl(formers.status().message()));
  Compare(*formers, next.files, response);
  const bool unchanged = response.changes().empty();
  if (request.validate_only()) {
    response.set_outcome(unchanged ? v1::APPLY_OUTCOME_UNCHANGED : v1::APPLY_OUTCOME_VALIDATED);
    return absl::OkStatus();
  }
  UNIPRESENCE_RETURN_IF_ERROR(CheckLink(pbx));
  UNIPRESENCE_RETURN_IF_ERROR(CheckNames(pbx, next.expected.names, *formers));
  if (unchanged) {
    if (absl::Status set = SetModes(folder->second, paths, kFileMode); !set.ok()) {
      return NotWritten(pbx, FromAbsl(set.message()));
    }
    response.set_outcome(v1::APPLY_OUTCOME_UNCHANGED);
    return LoadUnchanged(pbx, std::move(next.expected));
  }
  if (absl::Status written = ReplaceFiles(folder->second, files, kFileMode); !written.ok()) {
    return NotWritten(pbx, FromAbsl(written.message()));
  }
  absl::Status loaded = Load(pbx, std::move(next.expected));
  if (loaded.ok()) {
    response.set_outcome(v1::APPLY_OUTCOME_APPLIED);
    return absl::OkStatus();
  }
  return PutBack(pbx, folder->second, *formers, loaded);
}

absl::Status AsteriskConfiguration::LoadUnchanged(const std::string& pbx,
                                                  ExpectedConfiguration expected) {
  absl::Status loaded = Load(pbx, std::move(expected));
  if (loaded.ok()) return loaded;
  if (absl::IsUnavailable(loaded)) {
    return Failure(v1::ERROR_REASON_PBX_UNAVAILABLE, FromAbsl(loaded.message()), {{"pbx", pbx}});
  }
  return NotWritten(
      pbx, fmt::format("the files are as they should be, but: {}", FromAbsl(loaded.message())));
}

absl::Status AsteriskConfiguration::CheckNames(const std::string& pbx, const ConfiguredNames& next,
                                               const std::vector<FileState>& formers) {
  // Shared: where the server stops the callback is dropped.
  const auto conflicts = std::make_shared<std::vector<std::string>>();
  const absl::Status asked = OnPipeline([pbx, next, former = ports_.read_former(formers),
                                         conflicts](Core& core, Answer answer) mutable {
    if (core.pbx_control == nullptr) {
      return std::move(answer)(absl::UnavailableError("no pipeline runs"));
    }
    core.pbx_control->FindConflicts(pbx, next, former,
                                    [conflicts, answer = std::move(answer)](
                                        absl::StatusOr<std::vector<std::string>> found) mutable {
                                      if (found.ok()) *conflicts = *std::move(found);
                                      std::move(answer)(found.status());
                                    });
  });
  if (absl::IsUnavailable(asked)) {
    return Failure(v1::ERROR_REASON_PBX_UNAVAILABLE,
                   fmt::format("{}; nothing was written", FromAbsl(asked.message())),
                   {{"pbx", pbx}});
  }
  if (!asked.ok()) return NotWritten(pbx, FromAbsl(asked.message()));
  if (conflicts->empty()) return absl::OkStatus();
  return Failure(
      v1::ERROR_REASON_CONFIGURATION_CONFLICT,
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
    return Failure(v1::ERROR_REASON_PBX_UNAVAILABLE, message, {{"pbx", pbx}});
  }
  return NotWritten(pbx, message);
}

absl::Status AsteriskConfiguration::CheckLink(const std::string& pbx) {
  return OnPipeline([pbx](Core& core, Answer answer) {
    for (const PbxStatus& status : core.engine.pbxs()) {
      if (status.name == pbx && status.link == LinkState::kSynced) {
        return std::move(answer)(absl::OkStatus());
      }
    }
    std::move(answer)(Failure(v1::ERROR_REASON_PBX_UNAVAILABLE,
                              fmt::format("the link to PBX '{}' is down; nothing was written", pbx),
                              {{"pbx", pbx}}));
  });
}

absl::Status AsteriskConfiguration::Load(const std::string& pbx, ExpectedConfiguration expected) {
  return OnPipeline([pbx, expected = std::move(expected)](Core& core, Answer answer) mutable {
    if (core.pbx_control == nullptr) {
      return std::move(answer)(absl::UnavailableError("no pipeline runs"));
    }
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
