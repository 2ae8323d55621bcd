#ifndef UNIPRESENCE_SERVER_STORAGE_SETTINGS_STORE_H_
#define UNIPRESENCE_SERVER_STORAGE_SETTINGS_STORE_H_

// What users chose (UserSettings): the port for it (store.h tells how a port is reached, and its
// general codes).

#include <string_view>

#include "absl/status/status.h"
#include "aggregator/model/forwarding.h"
#include "aggregator/model/line.h"

namespace unipresence {

class SettingsStore {
 public:
  virtual ~SettingsStore() = default;

  // NOT_FOUND. FAILED_PRECONDITION: the user has no line of that kind. Selecting what is selected
  // already succeeds and changes nothing, the time of the choice included.
  virtual absl::Status SetSelectedDevice(std::string_view user, LineKind device) = 0;
  // NOT_FOUND. Setting what is set already succeeds and changes nothing, the time included.
  virtual absl::Status SetDoNotDisturb(std::string_view user, bool do_not_disturb) = 0;
  // Replaces all of them, in the same way. To change one of them, read them by UserReader::Get in
  // the same command. INVALID_ARGUMENT: ValidateForwardings. NOT_FOUND.
  virtual absl::Status SetForwardings(std::string_view user, const Forwardings& forwardings) = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_SETTINGS_STORE_H_
