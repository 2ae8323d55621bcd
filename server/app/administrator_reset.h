#ifndef UNIPRESENCE_SERVER_APP_ADMINISTRATOR_RESET_H_
#define UNIPRESENCE_SERVER_APP_ADMINISTRATOR_RESET_H_

// `unipresenced --reset-administrator NAME`: the way back in when nobody can administer any more.

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "server/storage/store.h"

namespace unipresence {

// Makes the user of that id or username an administrator with that password and ends the user's
// sessions; creates nobody. NOT_FOUND names similar users. The store's codes otherwise.
absl::Status ResetAdministrator(Transaction& store, std::string_view name,
                                std::string_view password);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_ADMINISTRATOR_RESET_H_
