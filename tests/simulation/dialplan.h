#ifndef UNIPRESENCE_TESTS_SIMULATION_DIALPLAN_H_
#define UNIPRESENCE_TESTS_SIMULATION_DIALPLAN_H_

// Where a call to a number goes: the dialplan that reads what the server wrote into AstDB, family
// unipresence/<context>/<number>: do not disturb, unconditional forward, the device in use, and the
// deskphone if that one cannot be reached. The shipped one does more (deploy/asterisk/README.md).

#include <optional>
#include <string_view>

#include "tests/simulation/ast_db.h"
#include "tests/simulation/directory.h"
#include "tests/simulation/phones.h"

namespace unipresence::simulation {

struct Route {
  // The phone to ring; without one the caller is hung up with `cause`: 17 do not disturb, 20 no
  // phone is registered, 1 no such number (or forwards in a circle).
  std::optional<EndpointId> phone;
  int cause = 0;
};

Route FindRoute(const Directory& directory, const Phones& phones, const AstDb& database,
                std::string_view context, std::string_view number);

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_DIALPLAN_H_
