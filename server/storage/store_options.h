#ifndef UNIPRESENCE_SERVER_STORAGE_STORE_OPTIONS_H_
#define UNIPRESENCE_SERVER_STORAGE_STORE_OPTIONS_H_

// What a store is told when it is opened.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "aggregator/base/clock.h"

namespace unipresence {

// A user whose texts were not valid (aggregator/base/valid_text.h) and were mended.
struct MendedUser {
  std::string id;                   // as it is now
  std::vector<std::string> fields;  // "users.display_name"

  friend bool operator==(const MendedUser&, const MendedUser&) = default;
};

struct StoreOptions {
  // The file; ":memory:" = none (open_store.h). Created if it does not exist, readable by its owner
  // only: it holds password hashes.
  std::string path;
  const Clock* clock = &Clock::System();  // must outlive the store
  // How long a statement waits for a lock of another process (a backup, sqlite3) before
  // UNAVAILABLE.
  std::chrono::milliseconds busy_timeout{5000};

  // Commands and reads that may wait; one more is refused.
  std::size_t queue_capacity = 16'384;
  std::size_t read_queue_capacity = 1'024;
  std::size_t max_batch = 256;  // commands in one transaction

  // Each may be empty.
  // Called before the file is checked, with its size; 0 = it is new.
  std::function<void(std::int64_t bytes)> before_check = nullptr;
  // Called when it is opened, for each user that was mended.
  std::function<void(const MendedUser&)> on_mended = nullptr;
  // Told of each command that failed because of the store and not of itself: UNAVAILABLE,
  // RESOURCE_EXHAUSTED or DATA_LOSS. Called on a thread of the store, for a refusal by a full queue
  // on the submitting one.
  std::function<void(const absl::Status&)> on_trouble = nullptr;
  // The same of each read: commands may go on.
  std::function<void(const absl::Status&)> on_read_trouble = nullptr;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_STORE_OPTIONS_H_
