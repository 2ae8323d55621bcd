#ifndef UNIPRESENCE_SERVER_SERVICE_FORWARDING_MESSAGE_H_
#define UNIPRESENCE_SERVER_SERVICE_FORWARDING_MESSAGE_H_

// unipresence.v1.Forwarding to the model and back. Thread-safe, without state.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/model/forwarding.h"
#include "server/storage/store.h"
#include "unipresence/v1/forwarding.pb.h"

namespace unipresence {

// An update of the fields that the mask names; all of them if it is empty.
class ForwardingUpdate {
 public:
  // INVALID_ARGUMENT: UPDATE_MASK_INVALID.
  static absl::StatusOr<ForwardingUpdate> Parse(const v1::UpdateForwardingRequest& request);

  // The numbers it brings, without those that cannot be dialled at all.
  std::vector<std::string> Destinations() const;

  // The values are not checked.
  void ApplyTo(Forwardings& forwardings, bool& do_not_disturb) const;

 private:
  struct Change {
    ForwardingCondition condition = ForwardingCondition::kUnconditional;
    bool destination = false;
    bool enabled = false;
  };
  std::vector<Change> changes_;
  Forwardings values_;
  bool sets_do_not_disturb_ = false;
  bool do_not_disturb_ = false;
};

void FillForwarding(const StoredUser& user, v1::Forwarding& out);

// ABORTED: ETAG_MISMATCH, unless `etag` is the user's, or empty.
absl::Status CheckForwardingEtag(const StoredUser& user, const std::string& etag);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_FORWARDING_MESSAGE_H_
