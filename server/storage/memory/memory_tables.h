#ifndef UNIPRESENCE_SERVER_STORAGE_MEMORY_MEMORY_TABLES_H_
#define UNIPRESENCE_SERVER_STORAGE_MEMORY_MEMORY_TABLES_H_

// The rows of MemoryStore with their indexes, and a log of what a transaction changed in them, by
// which it is undone or repeated elsewhere.
//
// A row is immutable and shared: tables are copied by their pointers. Thread: one at a time.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "aggregator/model/session.h"
#include "server/storage/session_store.h"
#include "server/storage/user_store.h"
#include "server/storage/users_file_store.h"

namespace unipresence {

// The row of that key before and after; null = there is none.
template <typename Key, typename Value>
struct MemoryChange {
  Key key;
  std::shared_ptr<const Value> before;
  std::shared_ptr<const Value> after;
};

struct DeletedId {};
struct TheOne {};

using UserChange = MemoryChange<std::uint64_t, StoredUser>;  // by number: the order of creation
using DeletedChange = MemoryChange<std::string, DeletedId>;  // by id of the user
using SessionChange = MemoryChange<std::string, StoredSession>;
using UsersFileChange = MemoryChange<TheOne, TakenUsersFile>;
using AnyMemoryChange = std::variant<UserChange, DeletedChange, SessionChange, UsersFileChange>;

struct MemoryTables {
  using Numbers = std::map<std::string, std::uint64_t, std::less<>>;
  using Pair = std::pair<std::string, std::string>;

  std::map<std::uint64_t, std::shared_ptr<const StoredUser>> users;
  Numbers by_id;
  Numbers by_username;                      // in lower case
  std::map<Pair, std::uint64_t> by_exten;   // context, number
  std::map<Pair, std::uint64_t> by_device;  // PBX, device as Asterisk writes it
  std::map<Pair, std::uint64_t> by_box;     // context, number
  std::set<std::string, std::less<>> deleted;
  std::map<std::string, std::shared_ptr<const StoredSession>, std::less<>> sessions;  // by id
  std::set<SessionKey> session_keys;
  std::shared_ptr<const TakenUsersFile> users_file;

  // Null: there is none.
  std::shared_ptr<const StoredUser> Find(std::string_view id) const;
};

class MemoryLog {
 public:
  MemoryLog() = default;
  explicit MemoryLog(MemoryTables tables) : tables_(std::move(tables)) {}

  const MemoryTables& tables() const { return tables_; }

  // Makes the change; `before` is filled in.
  void Put(UserChange change);
  void Put(DeletedChange change);
  void Put(SessionChange change);
  void Put(UsersFileChange change);

  std::size_t size() const { return changes_.size(); }
  // Undoes all changes behind the first `size`.
  void UndoTo(std::size_t size);
  // Repeats the changes on `other`, which was like these tables before them, and forgets them.
  void MoveTo(MemoryTables& other);

 private:
  void Log(AnyMemoryChange change);

  MemoryTables tables_;
  std::vector<AnyMemoryChange> changes_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_MEMORY_MEMORY_TABLES_H_
