#ifndef UNIPRESENCE_SERVER_STREAMING_WATCHERS_H_
#define UNIPRESENCE_SERVER_STREAMING_WATCHERS_H_

// Who is to be told of a user: streams by the users they watch. One that watches everyone is not
// found by user.
//
// Thread: the watch thread's.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "aggregator/base/strings.h"

namespace unipresence {

// Users of a stream, ascending, each once; null for everyone.
using WatchedUsers = std::shared_ptr<const std::vector<std::string>>;

template <typename Stream>
class Watchers {
 public:
  // Streams with the user's number among those they watch.
  using Of = absl::flat_hash_map<Stream*, std::uint32_t>;

  void Enter(Stream& stream, const WatchedUsers& users) {
    if (users == nullptr) {
      everyone_.insert(&stream);
      return;
    }
    for (std::uint32_t i = 0; i < users->size(); ++i) by_user_[(*users)[i]][&stream] = i;
  }
  // With the same users. Of a stream that was never entered nothing is done.
  void Leave(Stream& stream, const WatchedUsers& users) {
    if (users == nullptr) {
      everyone_.erase(&stream);
      return;
    }
    for (const std::string& user : *users) {
      const auto watched = by_user_.find(user);
      if (watched == by_user_.end()) continue;
      watched->second.erase(&stream);
      if (watched->second.empty()) by_user_.erase(watched);
    }
  }

  // Null if nobody watches that user in particular. Valid until somebody enters or leaves.
  const Of* Find(std::string_view user) const {
    const auto watched = by_user_.find(ToAbsl(user));
    return watched == by_user_.end() ? nullptr : &watched->second;
  }
  const absl::flat_hash_set<Stream*>& everyone() const { return everyone_; }
  // Nobody watches some users only.
  bool none_by_user() const { return by_user_.empty(); }

 private:
  absl::flat_hash_map<std::string, Of> by_user_;
  absl::flat_hash_set<Stream*> everyone_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_WATCHERS_H_
