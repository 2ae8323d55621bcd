#include "server/app/store_log.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "aggregator/base/strings.h"

namespace unipresence {

bool StoreLog::Tell(Causes& causes, const absl::Status& status, MonotonicTime now) {
  const auto quiet = causes[status.code()].Admit(now);
  if (quiet) spdlog::error("{}{}", FromAbsl(status.message()), QuietNote(*quiet));
  return quiet.has_value();
}

void StoreLog::Trouble(const absl::Status& status) {
  MutexLock lock(mutex_);
  const MonotonicTime now = clock_.Now();
  const bool told = Tell(causes_, status, now);
  if (absl::IsDataLoss(status)) return;
  refusal_ = {status, now};
  trouble_ = true;
  told_ |= told;
}

void StoreLog::ReadTrouble(const absl::Status& status) {
  MutexLock lock(mutex_);
  Tell(read_causes_, status, clock_.Now());
}

absl::Status StoreLog::Checked(const absl::Status& status) {
  MutexLock lock(mutex_);
  const MonotonicTime now = clock_.Now();
  if (!status.ok()) {
    refusal_ = {status, now};
    return status;
  }
  if (!refusal_) return absl::OkStatus();
  if (now - refusal_->newest < kQuiet) return refusal_->why;
  refusal_.reset();
  // Without the line that it does not, this one would say nothing: so they come in pairs, and
  // together no more often than the first.
  if (std::exchange(told_, false)) spdlog::info("store: takes writes again");
  return absl::OkStatus();
}

bool StoreLog::TakeTrouble() {
  MutexLock lock(mutex_);
  return std::exchange(trouble_, false);
}

}  // namespace unipresence
