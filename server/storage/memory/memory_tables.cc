#include "server/storage/memory/memory_tables.h"

#include "absl/strings/ascii.h"
#include "aggregator/base/strings.h"

namespace unipresence {
namespace {

template <typename Index, typename Key>
void Set(Index& index, Key key, std::uint64_t number, bool there) {
  if (there) {
    index[std::move(key)] = number;
  } else {
    index.erase(key);
  }
}

void Enter(MemoryTables& tables, std::uint64_t number, const StoredUser& stored, bool there) {
  const User& user = stored.user;
  Set(tables.by_id, user.id, number, there);
  Set(tables.by_username, absl::AsciiStrToLower(user.username), number, there);
  Set(tables.by_exten, MemoryTables::Pair(user.context, user.exten), number, there);
  for (const Line& line : user.lines) {
    Set(tables.by_device, MemoryTables::Pair(line.pbx, line.device), number, there);
  }
  if (!user.voicemail.has_value()) return;
  Set(tables.by_box, MemoryTables::Pair(user.voicemail->context, user.voicemail->number), number,
      there);
}

template <typename Table, typename Key, typename Row>
void Replace(Table& table, const Key& key, const Row& row) {
  if (row != nullptr) {
    table[key] = row;
  } else {
    table.erase(key);
  }
}

// Makes `to` of the row that is `from` now.
struct Change {
  MemoryTables& tables;
  bool forward;

  template <typename T>
  const auto& From(const T& change) const {
    return forward ? change.before : change.after;
  }
  template <typename T>
  const auto& To(const T& change) const {
    return forward ? change.after : change.before;
  }

  void operator()(const UserChange& change) const {
    if (From(change) != nullptr) Enter(tables, change.key, *From(change), false);
    if (To(change) != nullptr) Enter(tables, change.key, *To(change), true);
    Replace(tables.users, change.key, To(change));
  }
  void operator()(const DeletedChange& change) const {
    if (To(change) != nullptr) {
      tables.deleted.insert(change.key);
    } else {
      tables.deleted.erase(change.key);
    }
  }
  void operator()(const SessionChange& change) const {
    if (From(change) != nullptr) tables.session_keys.erase(From(change)->key);
    if (To(change) != nullptr) tables.session_keys.insert(To(change)->key);
    Replace(tables.sessions, change.key, To(change));
  }
  void operator()(const UsersFileChange& change) const { tables.users_file = To(change); }
};

}  // namespace

std::shared_ptr<const StoredUser> MemoryTables::Find(std::string_view id) const {
  const auto found = by_id.find(id);
  return found == by_id.end() ? nullptr : users.at(found->second);
}

void MemoryLog::Put(UserChange change) {
  const auto found = tables_.users.find(change.key);
  if (found != tables_.users.end()) change.before = found->second;
  Log(std::move(change));
}

void MemoryLog::Put(DeletedChange change) {
  if (tables_.deleted.contains(change.key)) change.before = std::make_shared<DeletedId>();
  Log(std::move(change));
}

void MemoryLog::Put(SessionChange change) {
  const auto found = tables_.sessions.find(change.key);
  if (found != tables_.sessions.end()) change.before = found->second;
  Log(std::move(change));
}

void MemoryLog::Put(UsersFileChange change) {
  change.before = tables_.users_file;
  Log(std::move(change));
}

void MemoryLog::Log(AnyMemoryChange change) {
  std::visit(Change{tables_, /*forward=*/true}, change);
  changes_.push_back(std::move(change));
}

void MemoryLog::UndoTo(std::size_t size) {
  for (; changes_.size() > size; changes_.pop_back()) {
    std::visit(Change{tables_, /*forward=*/false}, changes_.back());
  }
}

void MemoryLog::MoveTo(MemoryTables& other) {
  for (const AnyMemoryChange& change : changes_) std::visit(Change{other, true}, change);
  changes_.clear();
}

}  // namespace unipresence
