#ifndef UNIPRESENCE_TESTS_TESTING_USERS_H_
#define UNIPRESENCE_TESTS_TESTING_USERS_H_

// Users that pass ValidateUser and do not collide with each other.

#include <fmt/format.h>

#include <string>

#include "aggregator/model/user.h"

namespace unipresence::testing {

// A unique account: PJSIP/<id> and PJSIP/<id>_w on the PBX "main".
inline User UniqueAccount(const std::string& id, const std::string& exten) {
  User user;
  user.id = id;
  user.display_name = "User " + id;
  user.exten = exten;
  user.context = "default";
  user.line_type = LineType::kUniqueAccount;
  user.username = id;
  user.lines = {{LineKind::kDeskphone, "main", "PJSIP/" + id},
                {LineKind::kWebrtc, "main", "PJSIP/" + id + "_w"}};
  return user;
}

// The i-th of many.
inline User UniqueAccount(int i) {
  return UniqueAccount(fmt::format("user{}", i), fmt::format("{}", 1'000'000 + i));
}

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_USERS_H_
