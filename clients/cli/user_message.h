#ifndef UNIPRESENCE_CLIENTS_CLI_USER_MESSAGE_H_
#define UNIPRESENCE_CLIENTS_CLI_USER_MESSAGE_H_

// What `users add` and `users update` were told of a user, as messages of the API. Pure.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/options.h"
#include "server/config/users_file.h"
#include "unipresence/v1/user.pb.h"

namespace unipresence::cli {

// A user of a users file. A line without sip_username there has its SIP account in Asterisk.
// INVALID_ARGUMENT: it has a password_hash, which the API does not take.
absl::StatusOr<v1::User> ToMessage(const config::UserSeed& seed);

// Applies the flags, but for the passwords, to `user`: an empty one to create, or one that was
// read. A line whose device is given as empty is removed. Without --line-type a user whose lines
// were given takes the type that has these. Returns the names of the fields that were set, as an
// update_mask has them. INVALID_ARGUMENT: a new line without a PBX.
absl::StatusOr<std::vector<std::string>> ApplyFlags(const UserFlags& flags, v1::User& user);

// Whether the flags give a device but not the PBX that it is on.
bool NeedsPbx(const UserFlags& flags);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_USER_MESSAGE_H_
