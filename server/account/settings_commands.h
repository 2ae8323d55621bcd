#ifndef UNIPRESENCE_SERVER_ACCOUNT_SETTINGS_COMMANDS_H_
#define UNIPRESENCE_SERVER_ACCOUNT_SETTINGS_COMMANDS_H_

// Changes of what a user chose (device, do-not-disturb, forwardings), whoever makes them: an rpc or
// a phone. Each is committed by the store, then applied by the feed of changes, then reported.
//
//   settings.ChangeForwarding("alice",
//                             [](const StoredUser&, Forwardings&, bool& do_not_disturb) {
//                               do_not_disturb = true;
//                               return absl::OkStatus();
//                             },
//                             [](Core& core, absl::StatusOr<StoredUser> stored) { ... });
//
// A change reads and writes within one command of the store, so none is lost when two come at once.
//
// Thread-safe. `Done` is called once, on the pipeline's thread, never within the call; it is
// destroyed uncalled if the server stops before.

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/model/forwarding.h"
#include "aggregator/model/phone_setting.h"
#include "aggregator/pipeline/executor.h"
#include "server/account/account_context.h"
#include "server/storage/store.h"

namespace unipresence {

class SettingsCommands {
 public:
  explicit SettingsCommands(const AccountContext& shared) : shared_(shared) {}

  // The user as stored now, once the engine goes by it; or the failure (failure.h), and
  // nothing was changed.
  using Done = absl::AnyInvocable<void(Core&, absl::StatusOr<StoredUser>) &&>;

  // kUserNotFound, kLineNotAssigned, kStoreUnavailable.
  void SelectDevice(std::string user, LineKind device, Done done);

  // Changes what is given to it, on the store thread; an error is reported and nothing is changed.
  using Edit = absl::AnyInvocable<absl::Status(const StoredUser& before, Forwardings& forwardings,
                                               bool& do_not_disturb) &&>;
  // kUserNotFound. kDestinationInvalid, also for the user's own number; kFieldRequired: enabled
  // without a destination; those that the edit left as they were are not looked at. The errors of
  // `edit`. kStoreUnavailable.
  void ChangeForwarding(std::string user, Edit edit, Done done);

  // The same for a change made from a phone. `done` gets OK, or the codes above;
  // pbx::WriteBack::OnAdopted says which of them pass. The phone's PBX follows a refused value
  // already: have it told again what holds.
  void Adopt(PhoneSetting setting, absl::AnyInvocable<void(absl::Status) &&> done);

 private:
  using Change = absl::AnyInvocable<absl::Status(Transaction&) &&>;
  void Run(std::string user, Change change, Done done);

  const AccountContext& shared_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_SETTINGS_COMMANDS_H_
