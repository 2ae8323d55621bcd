#ifndef UNIPRESENCE_TESTS_SIMULATION_DIRECTORY_H_
#define UNIPRESENCE_TESTS_SIMULATION_DIRECTORY_H_

// The users of the simulated PBX, their numbers and their devices.
//
// Either generated, user0 to userN-1, and then computed from the index so that a million of them
// cost no memory; or taken from the users file of unipresenced, so that one file describes both
// sides.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/model/line.h"

namespace unipresence::simulation {

// Index of a device. Devices of generated users: 2i is the deskphone of user i, 2i + 1 its web
// line.
using EndpointId = std::uint32_t;
using UserIndex = std::uint32_t;

// One user as the users file tells it. `devices` are names without "PJSIP/", deskphone first.
struct DirectoryUser {
  struct Device {
    LineKind kind = LineKind::kDeskphone;
    std::string name;
  };

  std::string id;
  std::string display_name;
  std::string exten;
  std::string context;
  LineType line_type = LineType::kUniqueAccount;
  std::string username;
  std::string password;
  std::vector<Device> devices;
};

// Immutable after construction; thread-safe.
class Directory {
 public:
  // user0 ... user{count-1}: numbers 1000 and up in context "from-users", devices PJSIP/userI and
  // PJSIP/userI_w, password "password-I".
  static Directory Generated(std::size_t count);

  // Reads a users file; only lines on the PBX named `pbx` are kept, all if it is empty.
  // NOT_FOUND: no such file. INVALID_ARGUMENT: not a users file; names the entry and the field.
  static absl::StatusOr<Directory> FromUsersFile(const std::string& path, std::string_view pbx);

  std::size_t user_count() const { return generated_ ? generated_count_ : users_.size(); }
  std::size_t endpoint_count() const {
    return generated_ ? 2 * generated_count_ : endpoints_.size();
  }

  // The user of that index; the index must be below user_count().
  DirectoryUser User(UserIndex user) const;
  UserIndex OwnerOf(EndpointId endpoint) const;
  std::vector<EndpointId> EndpointsOf(UserIndex user) const;

  // "user7_w".
  std::string EndpointName(EndpointId endpoint) const;

  // By "user7_w" or "PJSIP/user7_w".
  std::optional<EndpointId> FindEndpoint(std::string_view device) const;
  std::optional<UserIndex> FindNumber(std::string_view context, std::string_view exten) const;

 private:
  struct Endpoint {
    UserIndex owner = 0;
    std::string name;
  };

  absl::Status Add(DirectoryUser user);

  bool generated_ = false;
  std::size_t generated_count_ = 0;
  std::vector<DirectoryUser> users_;
  std::vector<std::vector<EndpointId>> endpoints_of_;
  std::vector<Endpoint> endpoints_;
  std::unordered_map<std::string, EndpointId> by_name_;
  std::unordered_map<std::string, UserIndex> by_number_;  // "context/exten"
};

// Writes the users of the directory as the YAML users file of unipresenced, one line a user.
//
// Small directories hold each user's own password. From `hash_from` users on all share the password
// "password" as one argon2id hash: hashing each at load would take the server 50 ms a user.
// UNAVAILABLE: the file cannot be written.
absl::Status WriteUsersFile(const Directory& directory, std::string_view pbx,
                            const std::string& path, std::size_t hash_from = 1000);

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_DIRECTORY_H_
