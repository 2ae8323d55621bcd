#include "server/account/settings_commands.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "server/account/failure.h"

namespace unipresence {
namespace {

// The destination of a condition as requests name it.
std::string DestinationField(ForwardingCondition condition) {
  return fmt::format("forwarding.{}.destination", ToString(condition));
}

absl::Status DestinationInvalid(ForwardingCondition condition, std::string_view destination,
                                std::string_view message) {
  const std::string field = DestinationField(condition);
  return Failure(AccountProblem::kDestinationInvalid, fmt::format("{}: {}", field, message),
                 {{"field", field}, {"destination", destination}});
}

absl::Status CheckForward(const User& user, ForwardingCondition condition, const Forward& forward) {
  if (forward.destination.empty()) {
    if (!forward.enabled) return absl::OkStatus();
    return FieldRequired(DestinationField(condition), "give the number to forward to");
  }
  if (absl::Status valid = ValidateDestination(forward.destination); !valid.ok()) {
    return DestinationInvalid(condition, forward.destination, FromAbsl(valid.message()));
  }
  if (forward.destination == user.exten) {
    return DestinationInvalid(
        condition, forward.destination,
        fmt::format("'{}' is the user's own number, and calls would come back; give another one",
                    forward.destination));
  }
  return absl::OkStatus();
}

absl::Status ApplyEdit(Transaction& transaction, const std::string& user,
                       SettingsCommands::Edit edit) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const StoredUser before, transaction.users.Get(user));
  Forwardings forwardings = before.settings.forwardings;
  bool do_not_disturb = before.settings.do_not_disturb;
  UNIPRESENCE_RETURN_IF_ERROR(std::move(edit)(before, forwardings, do_not_disturb));
  for (ForwardingCondition condition : kForwardingConditions) {
    const Forward& forward = forwardings[condition];
    if (forward == before.settings.forwardings[condition]) continue;
    UNIPRESENCE_RETURN_IF_ERROR(CheckForward(before.user, condition, forward));
  }
  UNIPRESENCE_RETURN_IF_ERROR(transaction.settings.SetForwardings(user, forwardings));
  return transaction.settings.SetDoNotDisturb(user, do_not_disturb);
}

}  // namespace

void SettingsCommands::Run(std::string user, Change change, Done done) {
  shared_.feed.Call<StoredUser>(
      [user,
       change = std::move(change)](Transaction& transaction) mutable -> absl::StatusOr<StoredUser> {
        UNIPRESENCE_RETURN_IF_ERROR(std::move(change)(transaction));
        return transaction.users.Get(user);
      },
      [this, user, done = std::move(done)](Core* core, absl::StatusOr<StoredUser> stored) mutable {
        if (core != nullptr) {
          const bool exists = core->presences.Read(user, [](const PresenceSource::Entry&) {});
          if (!exists) stored = UserNotFound(user);
          return std::move(done)(*core, std::move(stored));
        }
        shared_.executor.Post([done = std::move(done),
                               failure = FromStore(stored.status(), user)](Core& pipeline) mutable {
          std::move(done)(pipeline, std::move(failure));
        });
      });
}

void SettingsCommands::SelectDevice(std::string user, LineKind device, Done done) {
  Change change = [user, device](Transaction& transaction) {
    return transaction.settings.SetSelectedDevice(user, device);
  };
  Run(std::move(user), std::move(change), std::move(done));
}

void SettingsCommands::ChangeForwarding(std::string user, Edit edit, Done done) {
  Change change = [user, edit = std::move(edit)](Transaction& transaction) mutable {
    return ApplyEdit(transaction, user, std::move(edit));
  };
  Run(std::move(user), std::move(change), std::move(done));
}

void SettingsCommands::Adopt(PhoneSetting setting, absl::AnyInvocable<void(absl::Status) &&> done) {
  Done report = [done = std::move(done)](Core&, const absl::StatusOr<StoredUser>& stored) mutable {
    std::move(done)(stored.status());
  };
  if (const auto* selection = std::get_if<PhoneSelection>(&setting.value)) {
    return SelectDevice(std::move(setting.user), selection->device, std::move(report));
  }
  Edit edit = [value = setting.value](const StoredUser&, Forwardings& forwardings,
                                      bool& do_not_disturb) {
    if (const auto* dnd = std::get_if<PhoneDoNotDisturb>(&value)) do_not_disturb = dnd->on;
    if (const auto* change = std::get_if<PhoneForward>(&value)) {
      Forward& forward = forwardings[change->condition];
      forward.enabled = !change->destination.empty();
      if (forward.enabled) forward.destination = change->destination;
    }
    return absl::OkStatus();
  };
  ChangeForwarding(std::move(setting.user), std::move(edit), std::move(report));
}

}  // namespace unipresence
