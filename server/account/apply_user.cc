#include "server/account/apply_user.h"

#include <string>

#include "aggregator/engine/engine_writer.h"

namespace unipresence {
namespace {

LineKind SelectedOf(const StoredUser& stored) {
  return stored.settings.selected_device.value_or(kFirstSelection);
}

}  // namespace

void SelectStored(Core& core, const StoredUser& stored) {
  core.writer.SelectDevice(stored.user.id, SelectedOf(stored)).IgnoreError();
}

absl::Status ApplyUser(Core& core, SessionKeeper& sessions, const StoredUser& stored,
                       bool ends_sessions) {
  const std::string& id = stored.user.id;
  absl::Status status = core.writer.UpdateUser(stored.user);
  if (absl::IsNotFound(status)) {
    status = core.writer.AddUser(stored.user, {.selected_device = SelectedOf(stored),
                                               .do_not_disturb = stored.settings.do_not_disturb,
                                               .forwardings = stored.settings.forwardings});
    return status.ok() ? status : absl::InternalError(status.message());
  }
  if (!status.ok()) return absl::InternalError(status.message());
  SelectStored(core, stored);
  if (ends_sessions) sessions.EndOfUser(core, id, CauseKind::kLogout);
  return absl::OkStatus();
}

}  // namespace unipresence
