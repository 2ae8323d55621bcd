#include "server/storage/open_store.h"

#include <utility>

#include "server/storage/memory/memory_store.h"
#include "server/storage/sqlite/sqlite_store.h"

namespace unipresence {

absl::StatusOr<std::unique_ptr<Store>> OpenStore(StoreOptions options) {
  if (options.path == ":memory:") return std::make_unique<MemoryStore>(std::move(options));
  return SqliteStore::Open(std::move(options));
}

}  // namespace unipresence
