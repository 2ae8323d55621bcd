#ifndef UNIPRESENCE_SERVER_STORAGE_STORE_H_
#define UNIPRESENCE_SERVER_STORAGE_STORE_H_

// What must survive a restart, behind ports by subject: users (user_store.h), what they chose
// (settings_store.h), their sessions (session_store.h), how far a users file was taken
// (users_file_store.h). open_store.h opens one.
//
//   absl::Status refused = store.Submit(
//       [=](Transaction& transaction) {
//         return transaction.settings.SetSelectedDevice(user, device);
//       },
//       [=](absl::Status status) { ... });  // durable if OK
//
// A command is a function that gets all ports. It is atomic: an error that it returns undoes all
// that it changed. Commands run in the order of their submission, on the thread of the store, and
// are answered in that order, each after its commit. How commands share a transaction and a disk
// synchronisation is the store's own affair.
//
// A read gets the ports that only read, of a state that some command left, and sees at least what
// was answered before it was submitted. Reads run beside the commands and hold none up, however
// long they take; but they wait for each other. What is short, or must see the commands submitted
// before it, is better a command.
//
// A change is a command that changed something of a user. Who follows the store is told all of them
// (committed_change.h), and a command is answered with the revision to wait for:
//
//   store.Follow(sink);
//   refused = store.SubmitChange(work, [=](absl::StatusOr<Revision> committed) { ... });
//
// Revisions count from the call of Follow; without one nothing is recorded.
//
// One contract for what answers later. A refusal (RESOURCE_EXHAUSTED: the queue is full, because
// waiting would block the caller; UNAVAILABLE: the store is stopped) is the return value, at once,
// and then nothing else happens. If accepted, `done` is called exactly once, never from within the
// call, on the store's thread (of reads: on its thread for reads), which it must not block. It may
// submit the next one.
//
// Codes. Each method of a port names its own; any may also return
//   UNAVAILABLE         another process holds the database, or the disk fails: retry later
//   RESOURCE_EXHAUSTED  the disk is full: nothing was changed; make room, then retry
//   DATA_LOSS           the file is damaged: restore a backup
//   INTERNAL            a defect
// An error of a method leaves everything as it was before the call.
//
// Thread-safe, but for Stop and the destructor, which is one owner's affair.

#include <memory>
#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/storage/committed_change.h"
#include "server/storage/session_store.h"
#include "server/storage/settings_store.h"
#include "server/storage/store_probe.h"
#include "server/storage/user_store.h"
#include "server/storage/users_file_store.h"

namespace unipresence {

// What a read gets; valid until it returns.
struct Snapshot {
  const UserReader& users;
  const SessionReader& sessions;
  const UsersFileReader& users_file;
};

// What a command gets; valid until it returns.
class Transaction {
 public:
  virtual ~Transaction() = default;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  UserStore& users;
  SettingsStore& settings;
  SessionStore& sessions;
  UsersFileStore& users_file;

  // A part of the command: an error of `body` undoes what the part changed, and is returned. Who
  // follows the store may take the parts of a large command one after the other, and goes by which
  // users were first changed next to each other in one part: have no part within such a one.
  virtual absl::Status InPart(absl::FunctionRef<absl::Status()> body) = 0;

  // Writes something, so that OK of the command means that the store takes writes now. For
  // readiness; one disk synchronisation.
  virtual absl::Status CheckWritable() = 0;

 protected:
  Transaction(UserStore& user_store, SettingsStore& settings_store, SessionStore& session_store,
              UsersFileStore& users_file_store)
      : users(user_store),
        settings(settings_store),
        sessions(session_store),
        users_file(users_file_store) {}
};

class Store {
 public:
  using Work = absl::AnyInvocable<absl::Status(Transaction&) &&>;
  using ReadWork = absl::AnyInvocable<absl::Status(const Snapshot&) &&>;
  using Done = absl::AnyInvocable<void(absl::Status) &&>;
  using ChangeDone = absl::AnyInvocable<void(absl::StatusOr<Revision>) &&>;

  // Stops.
  virtual ~Store() = default;

  // A command. `done` gets its status, after the commit.
  absl::Status Submit(Work work, Done done) {
    return SubmitChange(std::move(work), [done = std::move(done)](
                                             const absl::StatusOr<Revision>& committed) mutable {
      std::move(done)(committed.status());
    });
  }
  // The same, and `done` gets the revision by which its change and all before it have been told; of
  // a command that changed nothing that of the newest change.
  virtual absl::Status SubmitChange(Work work, ChangeDone done) = 0;
  // A read. `done` gets its status.
  virtual absl::Status SubmitRead(ReadWork work, Done done) = 0;

  // The same for work that has a result: `done` gets it, or the error of the work or its commit.
  template <typename T>
  absl::Status Call(absl::AnyInvocable<absl::StatusOr<T>(Transaction&) &&> work,
                    absl::AnyInvocable<void(absl::StatusOr<T>) &&> done) {
    auto result = std::make_shared<std::optional<T>>();
    return Submit(Keep<Transaction&>(std::move(work), result), Give(std::move(done), result));
  }
  template <typename T>
  absl::Status CallRead(absl::AnyInvocable<absl::StatusOr<T>(const Snapshot&) &&> work,
                        absl::AnyInvocable<void(absl::StatusOr<T>) &&> done) {
    auto result = std::make_shared<std::optional<T>>();
    return SubmitRead(Keep<const Snapshot&>(std::move(work), result),
                      Give(std::move(done), result));
  }

  // A command whose caller has nothing else to do: start-up, maintenance. Returns its status, or
  // the refusal, after the commit. Not from a command or a `done`.
  absl::Status SubmitAndWait(absl::FunctionRef<absl::Status(Transaction&)> work);
  // A read on the calling thread, at once. Not from a command.
  virtual absl::Status ReadHere(absl::FunctionRef<absl::Status(const Snapshot&)> work) = 0;

  // From now on `sink` is told each change. Once, while no command is under way; it must outlive
  // Stop. What it must not miss is read after the call: a change may be in what was read, and told
  // as well.
  virtual void Follow(ChangeSink& sink) = 0;

  // Refuses what comes, runs and answers what waits. Not from a `done`. Idempotent.
  virtual void Stop() = 0;

  virtual const StoreProbe& probe() const = 0;

 private:
  template <typename Ports, typename T>
  static auto Keep(absl::AnyInvocable<absl::StatusOr<T>(Ports) &&> work,
                   std::shared_ptr<std::optional<T>> result) {
    return [work = std::move(work), result = std::move(result)](Ports ports) mutable {
      absl::StatusOr<T> got = std::move(work)(ports);
      if (!got.ok()) return std::move(got).status();
      result->emplace(*std::move(got));
      return absl::OkStatus();
    };
  }
  template <typename T>
  static auto Give(absl::AnyInvocable<void(absl::StatusOr<T>) &&> done,
                   std::shared_ptr<std::optional<T>> result) {
    return [done = std::move(done), result = std::move(result)](absl::Status status) mutable {
      if (!status.ok()) {
        std::move(done)(std::move(status));
      } else {
        std::move(done)(std::move(**result));
      }
    };
  }
};

// For whom a refusal is an answer like any other: `done` gets the outcome on the thread that Call
// says, or the refusal on this one, before the function returns. `start` is one of the above with
// its `done` left open.
template <typename Outcome, typename Done, typename Start>
void AnswerOrRefuse(Done done, Start start) {
  const auto kept = std::make_shared<Done>(std::move(done));
  absl::Status refused = start([kept](Outcome outcome) { std::move (*kept)(std::move(outcome)); });
  if (!refused.ok()) std::move (*kept)(Outcome(std::move(refused)));
}
template <typename T, typename Work, typename Done>
void CallOrRefuse(Store& store, Work work, Done done) {
  AnswerOrRefuse<absl::StatusOr<T>>(std::move(done), [&](auto answer) {
    return store.Call<T>(std::move(work), std::move(answer));
  });
}
template <typename T, typename Work, typename Done>
void CallReadOrRefuse(Store& store, Work work, Done done) {
  AnswerOrRefuse<absl::StatusOr<T>>(std::move(done), [&](auto answer) {
    return store.CallRead<T>(std::move(work), std::move(answer));
  });
}
template <typename Work, typename Done>
void SubmitOrRefuse(Store& store, Work work, Done done) {
  AnswerOrRefuse<absl::Status>(std::move(done), [&](auto answer) {
    return store.Submit(std::move(work), std::move(answer));
  });
}

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_STORE_H_
