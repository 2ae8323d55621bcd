#include "aggregator/model/cause.h"

#include <array>
#include <cstddef>

namespace unipresence {

std::string_view ToString(CauseKind kind) {
  static constexpr std::array<std::string_view, kCauseKindCount> kNames = {"DEVICE_STATE_CHANGE",
                                                                           "CONTACT_STATUS",
                                                                           "NEWCHANNEL",
                                                                           "NEWSTATE",
                                                                           "",
                                                                           "HANGUP",
                                                                           "RENAME",
                                                                           "PICKUP",
                                                                           "HOLD",
                                                                           "UNHOLD",
                                                                           "MUSIC_ON_HOLD",
                                                                           "",
                                                                           "RESYNC",
                                                                           "RECONCILE",
                                                                           "LINK_LOST",
                                                                           "LOGIN",
                                                                           "LOGOUT",
                                                                           "SESSION_EXPIRED",
                                                                           "SELECT_DEVICE",
                                                                           "SET_DO_NOT_DISTURB",
                                                                           "USER_CREATED",
                                                                           "USER_UPDATED",
                                                                           "USER_DELETED",
                                                                           "SERVER_START",
                                                                           "SET_FORWARDING"};
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace unipresence
