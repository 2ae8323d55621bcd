#ifndef UNIPRESENCE_SERVER_ACCOUNT_CHANGE_FEED_H_
#define UNIPRESENCE_SERVER_ACCOUNT_CHANGE_FEED_H_

// The one way of what the store has committed into the engine, whoever committed it: an rpc, a
// phone, a users file. It follows the store and applies each change on the pipeline's thread, in
// order of revision; nobody else tells the engine of users and of what they chose. Sessions begin
// so as well.
//
//   feed.Call<StoredUser>(
//       [=](Transaction& transaction) -> absl::StatusOr<StoredUser> {
//         UNIPRESENCE_RETURN_IF_ERROR(transaction.settings.SetSelectedDevice(user, device));
//         return transaction.users.Get(user);
//       },
//       [](Core* core, absl::StatusOr<StoredUser> stored) { ... });  // the engine goes by it
//
// Users who were changed in one part of a command are applied as one; a change of many users else
// in steps, with reads of the pipeline between them.

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/pipeline/executor.h"
#include "server/account/session_keeper.h"
#include "server/storage/store.h"

namespace unipresence {

class ChangeFeed final : public ChangeSink {
 public:
  // Follows the store from now on. All must outlive the feed, and the feed what the store and the
  // executor run. `executor` is one that refuses nothing before the server stops
  // (sure_executor.h).
  ChangeFeed(Store& store, Executor& executor, SessionKeeper& sessions)
      : store_(store), executor_(executor), sessions_(sessions) {
    store_.Follow(*this);
  }

  // Brings a user whom the store had before the server started into the engine. Thread: the
  // pipeline's. ALREADY_EXISTS.
  static absl::Status Load(Core& core, const StoredUser& stored);

  // A command. `done` gets the result of `work` on the pipeline's thread, with its core, once the
  // engine goes by what was changed; or an error of the store with null, on the store's thread, a
  // refusal within the call. It is destroyed uncalled if the server stops before. Thread-safe.
  template <typename T>
  void Call(absl::AnyInvocable<absl::StatusOr<T>(Transaction&) &&> work,
            absl::AnyInvocable<void(Core*, absl::StatusOr<T>) &&> done) {
    struct Running {
      absl::AnyInvocable<absl::StatusOr<T>(Transaction&) &&> command;
      absl::AnyInvocable<void(Core*, absl::StatusOr<T>) &&> answer;
      std::optional<T> result{};
    };
    const auto running = std::make_shared<Running>(Running{std::move(work), std::move(done)});
    const auto change = [running](Transaction& transaction) {
      absl::StatusOr<T> result = std::move(running->command)(transaction);
      if (result.ok()) running->result.emplace(*std::move(result));
      return result.status();
    };
    const auto answer = [this, running](const absl::StatusOr<Revision>& committed) {
      if (!committed.ok()) return std::move(running->answer)(nullptr, committed.status());
      WhenApplied([running](Core& core) {
        std::move(running->answer)(&core, *std::move(running->result));
      });
    };
    if (absl::Status refused = store_.SubmitChange(change, answer); !refused.ok()) answer(refused);
  }

  // Calls `applied` on the pipeline's thread, once the engine goes by what a command has changed.
  // From the `done` of that command (Store::SubmitChange): what it waits for is posted before it or
  // together with it, so that the order of posts is enough, and no revision is compared.
  using Applied = absl::AnyInvocable<void(Core&) &&>;
  void WhenApplied(Applied applied);

  // ChangeSink, for the store.
  void OnChange(CommittedChange change) override;
  void Flush() override;

 private:
  // What one command of the pipeline does: a change, or a part of it, then the answers to it.
  struct Step {
    std::vector<ChangedUser> users;
    std::vector<Applied> answers;
  };

  void Post(Step step);
  // The pipeline's thread.
  void Run(Core& core, Step step);
  void Apply(Core& core, const ChangedUser& user);

  Store& store_;
  Executor& executor_;
  SessionKeeper& sessions_;
  // The store thread's: the end of the newest change, which waits for the answer to it.
  Step held_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_CHANGE_FEED_H_
