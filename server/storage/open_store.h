#ifndef UNIPRESENCE_SERVER_STORAGE_OPEN_STORE_H_
#define UNIPRESENCE_SERVER_STORAGE_OPEN_STORE_H_

// Opens the store that the configuration names.
//
//   UNIPRESENCE_ASSIGN_OR_RETURN(auto store, OpenStore({.path = config.store.path}));
//
// The path says which kind: ":memory:" is a MemoryStore, any other path an SQLite file
// (sqlite_store.h). Another kind is a class beside them, a branch in OpenStore and a row in
// tests/contract, whose suite runs over every kind.

#include <memory>

#include "absl/status/statusor.h"
#include "server/storage/store.h"
#include "server/storage/store_options.h"

namespace unipresence {

// The codes of SqliteStore::Open.
absl::StatusOr<std::unique_ptr<Store>> OpenStore(StoreOptions options);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_OPEN_STORE_H_
