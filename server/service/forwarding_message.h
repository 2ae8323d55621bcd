#ifndef UNIPRESENCE_SERVER_SERVICE_FORWARDING_MESSAGE_H_
#define UNIPRESENCE_SERVER_SERVICE_FORWARDING_MESSAGE_H_

// unipresence.v1.Forwarding to the model and back. Thread-safe, without state.

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/model/forwarding.h"
#include "server/storage/store.h"
#include "unipresence/v1/forwarding.pb.h"

namespace unipresence {

// An update of the fields that the mask names; all of them if it is empty. A path that is named
// again says nothing new.
class ForwardingUpdate {
 public:
  // INVALID_ARGUMENT: UPDATE_MASK_INVALID.
  static absl::StatusOr<ForwardingUpdate> Parse(const v1::UpdateForwardingRequest& request);

  // The numbers it brings, each once, without those that cannot be dialled at all: one of each
  // condition at most, however long the mask is.
  std::vector<std::string> Destinations() const;

  // The values are not checked.
  void ApplyTo(Forwardings& forwardings, bool& do_not_disturb) const;

 private:
  struct Change {
    bool destination = false;
    bool enabled = false;
  };
  const Change& ChangeOf(ForwardingCondition condition) const {
    return changes_[static_cast<std::size_t>(condition)];
  }

  std::array<Change, kForwardingConditionCount> changes_;
  Forwardings values_;
  bool sets_do_not_disturb_ = false;
  bool do_not_disturb_ = false;
};

void FillForwarding(const StoredUser& user, v1::Forwarding& out);

// ABORTED: ETAG_MISMATCH, unless `etag` is the user's, or empty.
absl::Status CheckForwardingEtag(const StoredUser& user, const std::string& etag);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_FORWARDING_MESSAGE_H_
