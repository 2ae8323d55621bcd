#include "server/storage/refusals.h"

#include <fmt/format.h>

namespace unipresence {

absl::Status NoSuchUser(std::string_view value, std::string_view what) {
  return absl::NotFoundError(fmt::format("user '{}': there is none of that {}", value, what));
}

absl::Status NoLineToSelect(std::string_view user, LineKind device) {
  return absl::FailedPreconditionError(fmt::format(
      "user '{}': no {} line to select; give the user one first", user, ToString(device)));
}

absl::Status NoSuchSession(std::string_view id) {
  return absl::NotFoundError(fmt::format("session '{}': there is none of that id", id));
}

absl::Status SessionInUse(std::string_view id) {
  return absl::AlreadyExistsError(
      fmt::format("session '{}': its key or id is in use; make new ones", id));
}

}  // namespace unipresence
