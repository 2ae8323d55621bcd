#include "server/service/asterisk_configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

// Of a response; far below gRPC's limit of 4 MiB.
constexpr std::size_t kPieceBytes = 64 << 10;

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

// A response that is being streamed. It deletes itself when gRPC is done with it.
class RenderStream final : public AsteriskConfiguration::RenderReactor {
 public:
  explicit RenderStream(const ServiceContext& shared) : shared_(shared) {}

  // One of both, once.
  void Send(std::vector<TextFile> files) {
    files_ = std::move(files);
    Next();
  }
  void Fail(const absl::Status& status) {
    Finish(AnswerOf(shared_, Method::kRenderAsteriskConfiguration, status));
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Fail(absl::CancelledError("the client ended the stream"));
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

absl::StatusOr<std::vector<TextFile>> AsteriskConfiguration::Files(
    const std::string& pbx, const std::vector<User>& users) const {
  absl::StatusOr<std::vector<TextFile>> files = render_(pbx, users);
  if (files.ok()) return files;
  return Failure(v1::ERROR_REASON_FIELD_INVALID, FromAbsl(files.status().message()));
}

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
            absl::StatusOr<std::vector<TextFile>> files = Files(pbx, users);
            if (!files.ok()) return reply.release()->Fail(files.status());
            reply.release()->Send(*std::move(files));
          });
        });
  });
  return stream;
}

}  // namespace unipresence
