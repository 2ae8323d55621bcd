#include "server/app/store_log.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "aggregator/base/strings.h"

namespace unipresence {

void StoreLog::Trouble(const absl::Status& status) {
  MutexLock lock(mutex_);
  const MonotonicTime now = clock_.Now();
  const auto quiet = causes_[status.code()].Admit(now);
  if (quiet) spdlog::error("{}{}", FromAbsl(status.message()), QuietNote(*quiet));
  if (absl::IsDataLoss(status)) return;
  refusal_ = {status, now};
  trouble_ = true;
  told_ |= quiet.has_value();
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
