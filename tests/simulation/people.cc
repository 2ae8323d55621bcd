#include "tests/simulation/people.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace unipresence::simulation {

Directory People() {
  absl::StatusOr<Directory> people = Directory::FromUsersFile(
      UNIPRESENCE_SOURCE_DIR "/tests/simulation/recorded/users.yaml", "pbx");
  if (!people.ok()) {
    fmt::print(stderr, "{}\n", people.status().ToString());
    std::abort();
  }
  return *std::move(people);
}

}  // namespace unipresence::simulation
