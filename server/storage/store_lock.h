#ifndef UNIPRESENCE_SERVER_STORAGE_STORE_LOCK_H_
#define UNIPRESENCE_SERVER_STORAGE_STORE_LOCK_H_

// Keeps a second server off a store: two of them would each hold their own idea of its sessions and
// selections. An advisory lock on FILE.lock; it ends with the process, however that ends. Other
// programs (sqlite3, a backup) are not kept away.

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace unipresence {

class StoreLock {
 public:
  // UNAVAILABLE: another process holds it, or the file cannot be made.
  static absl::StatusOr<std::unique_ptr<StoreLock>> Take(const std::string& store_path);

  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

 private:
  explicit StoreLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_STORE_LOCK_H_
