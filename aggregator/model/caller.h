#ifndef UNIPRESENCE_AGGREGATOR_MODEL_CALLER_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_CALLER_H_

// Who makes a call of the API: what the server's rooms tell each other of it.

#include <string>

#include "aggregator/model/session.h"
#include "aggregator/model/user.h"

namespace unipresence {

struct Caller {
  SessionKey key{};
  std::string session;  // id
  std::string user;     // id
  Role role = Role::kUser;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_CALLER_H_
