#ifndef UNIPRESENCE_AGGREGATOR_PBX_PHONE_SETTINGS_H_
#define UNIPRESENCE_AGGREGATOR_PBX_PHONE_SETTINGS_H_

// Settings that users changed from their phones, as the dialplan tells them: by the UserEvent
// UnipresenceSetting when it happens, and by the key phone_changes until we have confirmed it.
//
// What comes from a dialplan is checked like any input: devices by name, destinations by
// ValidateDestination. Pure; thread-safe.

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "aggregator/model/phone_setting.h"

namespace unipresence::pbx {

// "do_not_disturb" 0 or 1; "selected_device" deskphone or webrtc; "forward/unconditional",
// "forward/busy", "forward/no_answer" with a destination or empty. nullopt for anything else, and
// without a user.
std::optional<PhoneSetting> ParsePhoneSetting(std::string_view user, std::string_view setting,
                                              std::string_view value);

struct PhoneChanges {
  std::vector<PhoneSetting> settings;  // the oldest first
  std::size_t malformed = 0;           // entries that are none
};

// "do_not_disturb=1&forward/busy=&": each entry ends in '&'.
PhoneChanges ParsePhoneChanges(std::string_view user, std::string_view text);

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_PHONE_SETTINGS_H_
