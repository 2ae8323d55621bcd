#include "server/app/store_log.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "aggregator/base/strings.h"

namespace unipresence {

void StoreLog::Trouble(const absl::Status& status) {
  MutexLock lock(mutex_);
  trouble_ = true;
  if (const auto quiet = causes_[status.code()].Admit(clock_.Now())) {
    spdlog::error("{}{}", FromAbsl(status.message()), QuietNote(*quiet));
  }
}

void StoreLog::Works() {
  MutexLock lock(mutex_);
  if (causes_.empty()) return;
  causes_.clear();
  spdlog::info("store: takes writes again");
}

bool StoreLog::TakeTrouble() {
  MutexLock lock(mutex_);
  return std::exchange(trouble_, false);
}

}  // namespace unipresence
