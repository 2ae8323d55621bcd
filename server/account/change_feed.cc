#include "server/account/change_feed.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "aggregator/base/strings.h"
#include "aggregator/engine/engine_writer.h"

namespace unipresence {
namespace {

// Reads of the pipeline come between steps, and those of a file of a million fit into its queue.
constexpr std::ptrdiff_t kUsersPerStep = 64;

// What the engine says of an unknown user or line is passed over: a selected line that the user has
// no more is forgotten, and with one line there is nothing to choose.
void ApplyUser(Core& core, const UserAction& action, const StoredUser& now) {
  const std::string& id = now.user.id;
  const UserSettings& settings = now.settings;
  if (action.written && absl::IsNotFound(core.writer.UpdateUser(now.user))) {
    const absl::Status added = core.writer.AddUser(now.user, settings);
    if (!added.ok()) spdlog::error("user {}: {}", id, FromAbsl(added.message()));
  } else if (action.written || action.selected) {
    core.writer.SelectDevice(id, settings.selected_device.value_or(kFirstSelection)).IgnoreError();
  }
  if (!action.forwarded) return;
  core.writer.SetForwardings(id, settings.forwardings).IgnoreError();
  core.writer.SetDoNotDisturb(id, settings.do_not_disturb).IgnoreError();
}

}  // namespace

absl::Status ChangeFeed::Load(Core& core, const StoredUser& stored) {
  return core.writer.AddUser(stored.user, stored.settings, CauseKind::kServerStart);
}

void ChangeFeed::OnChange(CommittedChange change) {
  Flush();
  const auto end = change.users.end();
  for (auto user = change.users.begin(); user != end;) {
    auto next = user + std::min(kUsersPerStep, end - user);
    while (next != end && next->with_previous) ++next;
    Step step{.users = {std::make_move_iterator(user), std::make_move_iterator(next)},
              .answers = {}};
    if (next == end) {
      held_ = std::move(step);
    } else {
      Post(std::move(step));
    }
    user = next;
  }
}

void ChangeFeed::WhenApplied(Applied applied) { held_.answers.push_back(std::move(applied)); }

void ChangeFeed::Flush() {
  if (held_.users.empty() && held_.answers.empty()) return;
  Post(std::exchange(held_, Step()));
}

void ChangeFeed::Post(Step step) {
  executor_.Post(
      [this, step = std::move(step)](Core& core) mutable { Run(core, std::move(step)); });
}

void ChangeFeed::Run(Core& core, Step step) {
  for (const ChangedUser& user : step.users) Apply(core, user);
  // A change is posted before or with those who wait for it.
  for (Applied& answer : step.answers) std::move(answer)(core);
}

void ChangeFeed::Apply(Core& core, const ChangedUser& changed) {
  const auto& [id, action, begun, now, with_previous] = changed;
  if (action.deleted) {
    core.writer.RemoveUser(id).IgnoreError();
    sessions_.EndOfUser(core, id, CauseKind::kUserDeleted);
  }
  if (now) ApplyUser(core, action, *now);
  if (action.sessions_ended) sessions_.EndOfUser(core, id, CauseKind::kLogout);
  for (const StoredSession& session : begun) {
    // Whoever logs in asks again, and is told why not.
    sessions_.Begin(core, session).IgnoreError();
  }
}

}  // namespace unipresence
