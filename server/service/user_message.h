#ifndef UNIPRESENCE_SERVER_SERVICE_USER_MESSAGE_H_
#define UNIPRESENCE_SERVER_SERVICE_USER_MESSAGE_H_

// unipresence.v1.User to the model and back.
//
// The message has fields that the store does not keep (names, memberships ...). A request that sets
// one of them to something else than its default is refused, never half obeyed; answers show the
// default. Thread-safe, without state; new SIP accounts get random secrets.

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/model/user.h"
#include "server/storage/store.h"
#include "unipresence/v1/provisioning.pb.h"
#include "unipresence/v1/user.pb.h"

namespace unipresence {

// A user to create, with what the comments of user.proto say of empty fields.
// INVALID_ARGUMENT: FIELD_REQUIRED, FIELD_INVALID, LINES_DO_NOT_FIT.
absl::StatusOr<User> UserFromMessage(const v1::User& message);

// Which fields an update changes: paths of the mask, or all that are set in the message.
// INVALID_ARGUMENT: UPDATE_MASK_INVALID, FIELD_INVALID.
absl::StatusOr<std::vector<std::string>> UpdatePaths(const v1::UpdateUserRequest& request);
// Applies those fields to `user`, without `password`. INVALID_ARGUMENT as above.
absl::Status ApplyUpdate(const v1::User& message, const std::vector<std::string>& paths,
                         User& user);

// How much of a user a caller is shown.
enum class UserDetail {
  kDirectory,    // to colleagues
  kFull,         // to administrators and to the user
  kWithSecrets,  // to the same, with the secrets of their SIP accounts
};
void FillUser(const StoredUser& user, UserDetail detail, v1::User& out);

// The etag of a stored user, and whether a request's fits. ABORTED: ETAG_MISMATCH.
absl::Status CheckEtag(const StoredUser& user, std::string_view etag);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_USER_MESSAGE_H_
