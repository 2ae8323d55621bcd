#ifndef UNIPRESENCE_TESTS_TESTING_SYNC_SQLITE_STORE_H_
#define UNIPRESENCE_TESTS_TESTING_SYNC_SQLITE_STORE_H_

// An SQLite store with the calls of SyncStore.

#include <memory>
#include <utility>
#include <vector>

#include "server/storage/sqlite/sqlite_store.h"
#include "tests/testing/sync_store.h"

namespace unipresence::testing {

class SyncSqliteStore : public SyncStore {
 public:
  // As SqliteStore::Open; on_mended is taken by mended().
  static absl::StatusOr<std::unique_ptr<SyncSqliteStore>> Open(StoreOptions options) {
    std::vector<MendedUser> mended;
    options.on_mended = [&](const MendedUser& user) { mended.push_back(user); };
    auto store = SqliteStore::Open(std::move(options));
    if (!store.ok()) return store.status();
    return std::unique_ptr<SyncSqliteStore>(
        new SyncSqliteStore(*std::move(store), std::move(mended)));
  }

  SqliteStore& store() { return *store_; }
  SqliteDatabase& database() { return store_->database(); }
  // Users that Open mended.
  const std::vector<MendedUser>& mended() const { return mended_; }

 private:
  SyncSqliteStore(std::unique_ptr<SqliteStore> store, std::vector<MendedUser> mended)
      : SyncStore(*store), store_(std::move(store)), mended_(std::move(mended)) {}

  std::unique_ptr<SqliteStore> store_;
  std::vector<MendedUser> mended_;
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_SYNC_SQLITE_STORE_H_
