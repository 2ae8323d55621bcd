#include "server/metrics/readiness.h"

#include <fmt/format.h>

namespace unipresence {

void Readiness::NotReady(std::string_view component, std::string_view reason) {
  MutexLock lock(mutex_);
  reasons_.insert_or_assign(std::string(component), std::string(reason));
}

void Readiness::Ready(std::string_view component) {
  MutexLock lock(mutex_);
  if (const auto found = reasons_.find(component); found != reasons_.end()) reasons_.erase(found);
}

bool Readiness::IsReady() const {
  MutexLock lock(mutex_);
  return reasons_.empty();
}

std::vector<std::string> Readiness::Reasons() const {
  MutexLock lock(mutex_);
  std::vector<std::string> reasons;
  reasons.reserve(reasons_.size());
  for (const auto& [component, reason] : reasons_) {
    reasons.push_back(fmt::format("{}: {}", component, reason));
  }
  return reasons;
}

}  // namespace unipresence
