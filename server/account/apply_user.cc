#include "server/account/apply_user.h"

#include <string>

namespace unipresence {

absl::Status ApplyUser(Core& core, SessionKeeper& sessions, const StoredUser& stored,
                       bool ends_sessions) {
  const std::string& id = stored.user.id;
  const LineKind selected = stored.settings.selected_device.value_or(LineKind::kWebrtc);
  absl::Status status = core.engine.UpdateUser(stored.user);
  if (absl::IsNotFound(status)) {
    status = core.engine.AddUser(stored.user, {.selected_device = selected,
                                               .do_not_disturb = stored.settings.do_not_disturb,
                                               .forwardings = stored.settings.forwardings});
    return status.ok() ? status : absl::InternalError(status.message());
  }
  if (!status.ok()) return absl::InternalError(status.message());
  // A choice whose line is gone is forgotten. Refused for a user with one line: nothing to choose.
  core.engine.SelectDevice(id, selected).IgnoreError();
  if (ends_sessions) sessions.EndOfUser(core, id, CauseKind::kLogout);
  return absl::OkStatus();
}

}  // namespace unipresence
