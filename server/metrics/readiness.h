#ifndef UNIPRESENCE_SERVER_METRICS_READINESS_H_
#define UNIPRESENCE_SERVER_METRICS_READINESS_H_

// Whether the server should get traffic, and if not, why: /readyz and grpc.health.v1 answer from
// it.
//
//   readiness.NotReady("store", "disk full");
//   readiness.NotReady("pbx main", "connecting to 127.0.0.1:5038");
//   readiness.Ready("store");
//
// Ready = nobody is not ready. At start-up, register every component as not ready before anything
// listens.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/base/mutex.h"

namespace unipresence {

// Thread-safe.
class Readiness {
 public:
  // Replaces the component's earlier reason.
  void NotReady(std::string_view component, std::string_view reason) ABSL_LOCKS_EXCLUDED(mutex_);
  void Ready(std::string_view component) ABSL_LOCKS_EXCLUDED(mutex_);

  bool IsReady() const ABSL_LOCKS_EXCLUDED(mutex_);
  // "component: reason" for each component that is not, by name.
  std::vector<std::string> Reasons() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::string, std::less<>> reasons_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_METRICS_READINESS_H_
