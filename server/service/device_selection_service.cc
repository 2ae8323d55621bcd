#include "server/service/device_selection_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "aggregator/base/status_macros.h"
#include "aggregator/publish/codec.h"
#include "server/account/failure.h"
#include "server/service/convert.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

// What follows from the choice now. False if the user is gone.
bool FillSelection(const Core& core, std::string_view user, WallTimeMicros select_time,
                   v1::DeviceSelection& out) {
  out.set_user(std::string(user));
  if (select_time != 0) SetTime(select_time, *out.mutable_update_time());
  return core.presences.Read(user, [&](const PresenceSource::Entry& entry) {
    out.set_selected_device(publish::ToProto(entry.presence.selected_device));
    out.set_device_in_use(publish::ToProto(entry.presence.device_in_use));
  });
}

// FAILED_PRECONDITION: LINE_NOT_ASSIGNED. NOT_FOUND: USER_NOT_FOUND.
absl::Status HasLine(const Core& core, std::string_view user, LineKind kind) {
  bool has = false;
  const bool exists = core.presences.Read(user, [&](const PresenceSource::Entry& entry) {
    has = std::any_of(entry.presence.lines.begin(), entry.presence.lines.end(),
                      [&](const LinePresence& line) { return line.kind == kind; });
  });
  if (!exists) return UserNotFound(user);
  if (has) return absl::OkStatus();
  return Failure(
      v1::ERROR_REASON_LINE_NOT_ASSIGNED,
      fmt::format("'{}' has no line {}; there is nothing to choose", user, ToString(kind)),
      {{"user", user}, {"kind", ToString(kind)}});
}

}  // namespace

grpc::ServerUnaryReactor* DeviceSelectionService::GetDeviceSelection(
    grpc::CallbackServerContext* context, const v1::GetDeviceSelectionRequest* request,
    v1::DeviceSelection* response) {
  using Call = UnaryCall<v1::GetDeviceSelectionRequest, v1::DeviceSelection>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const std::string user = call.request.user().empty() ? call.caller.user : call.request.user();
    CallOrRefuse<StoredUser>(
        shared_.store, [user](Transaction& transaction) { return transaction.users.Get(user); },
        [this, user, reply = std::move(call.reply)](absl::StatusOr<StoredUser> stored) mutable {
          if (!stored.ok()) return std::move(reply).Fail(FromStore(stored.status(), user));
          shared_.executor.Post([user, time = stored->settings.select_time,
                                 reply = std::move(reply)](Core& core) mutable {
            if (!FillSelection(core, user, time, reply.response())) {
              return std::move(reply).Fail(UserNotFound(user));
            }
            std::move(reply).Ok();
          });
        });
  });
}

grpc::ServerUnaryReactor* DeviceSelectionService::SelectDevice(
    grpc::CallbackServerContext* context, const v1::SelectDeviceRequest* request,
    v1::DeviceSelection* response) {
  using Call = UnaryCall<v1::SelectDeviceRequest, v1::DeviceSelection>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const std::string user = call.request.user().empty() ? call.caller.user : call.request.user();
    const std::optional<LineKind> device = publish::FromProto(call.request.device());
    if (!device) {
      return std::move(call.reply)
          .Fail(FieldInvalid("device", v1::LineKind_Name(call.request.device()), LineKindNames()));
    }
    if (absl::Status status = HasLine(call.core, user, *device); !status.ok()) {
      return std::move(call.reply).Fail(status);
    }
    settings_.SelectDevice(user, *device,
                           [user, reply = std::move(call.reply)](
                               Core& core, absl::StatusOr<StoredUser> stored) mutable {
                             if (!stored.ok()) return std::move(reply).Fail(stored.status());
                             FillSelection(core, user, stored->settings.select_time,
                                           reply.response());
                             OkWhenWritten(core, user, std::move(reply));
                           });
  });
}

}  // namespace unipresence
