#ifndef UNIPRESENCE_SERVER_APP_USER_DIFFERENCE_H_
#define UNIPRESENCE_SERVER_APP_USER_DIFFERENCE_H_

#include <string>
#include <vector>

#include "aggregator/model/user.h"

namespace unipresence {

// What differs between two states of a user, one field each, for the log: `exten: '1000' ->
// '1001'`. Of passwords and secrets only that they differ. Empty: nothing does.
std::vector<std::string> DifferencesOf(const User& before, const User& after);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_USER_DIFFERENCE_H_
