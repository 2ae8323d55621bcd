#ifndef UNIPRESENCE_SERVER_APP_USERS_EXCHANGE_H_
#define UNIPRESENCE_SERVER_APP_USERS_EXCHANGE_H_

// Writes what a users file says of users into the store (users_sync.h): of one, and of several who
// get what others of them give up.
//
//   store.InPart([&] { taken = exchange.Try(); return absl::CancelledError("a try"); });
//   store.InPart([&] { exchange.MakeWay(); for (... : *taken) Write(store, *it); ... });

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/config/users_file.h"
#include "server/storage/store.h"

namespace unipresence {

// What the file says of one user and the store does not.
struct Difference {
  const config::UserSeed* seed;
  std::string line;       // what differs; empty: a new user
  absl::Status status{};  // why it was not taken

  const std::string& id() const { return seed->user.id; }
  bool is_new() const { return line.empty(); }
};

// Something else of the file or the store stands in the way: that user is not taken, others may be.
bool IsRefusal(const absl::Status& status);

// Brings what the file says into the store; within a part, for an error may leave a half. A
// password in plain is left pending. IsRefusal, or the store's codes.
absl::Status Write(Transaction& store, const Difference& difference);

// Users who are to get what others of them have, two of them or in a ring: in no order can they be
// written one by one, so all give up first what they have.
class Exchange {
 public:
  // Both must outlive it.
  Exchange(Transaction& store, std::vector<Difference>& differences);

  // Those who can be taken, in the order in which to write them after MakeWay. What somebody else
  // has keeps a user as he is (`status` says why), and in turn whoever wants what that user has.
  // Changes the store: to be undone by the caller. IsRefusal: nobody can be taken.
  absl::StatusOr<std::vector<Difference*>> Try();

  // Those of Try give up what they have.
  absl::Status MakeWay();

 private:
  struct Member {
    Difference* difference;
    StoredUser before{};  // of one who exists
    bool taken = false;
  };

  absl::Status StepAside(const Member& member);
  // Writes each of them by itself; who cannot be written is to stay.
  absl::Status WriteEach(std::vector<std::size_t>& stay);
  // The member is as before. Who has taken something of it is to stay as well.
  absl::Status Restore(std::size_t index, std::vector<std::size_t>& stay);

  Transaction& store_;
  std::vector<Member> members_;
  std::unordered_map<std::string_view, std::size_t> by_id_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_USERS_EXCHANGE_H_
