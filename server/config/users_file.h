#ifndef UNIPRESENCE_SERVER_CONFIG_USERS_FILE_H_
#define UNIPRESENCE_SERVER_CONFIG_USERS_FILE_H_

// Users from a YAML file, to seed the store with.
//
//   - id: alice
//     exten: "1001"
//     context: default
//     line_type: unique_account
//     username: alice
//     password: correct horse
//     lines:
//       - {kind: deskphone, pbx: main, device: PJSIP/alice}
//       - {kind: webrtc, pbx: main, device: PJSIP/alice_w}
//
// UserKeys() and deploy/users.example.yaml have all keys.
//
// The file is read as a stream: memory is that of the users, not of the YAML; about 30 us a user.

#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/model/user.h"
#include "server/config/keys.h"

namespace unipresence::config {

inline constexpr std::size_t kMaxUsersFileBytes = std::size_t{512} << 20;

struct UserSeed {
  User user;
  std::string password;  // at most one of the two; the caller hashes it (server/auth/password.h)
  std::string password_hash;  // as libsodium writes them: $argon2id$...

  friend bool operator==(const UserSeed&, const UserSeed&) = default;
};

// Tells one state of a users file from another: the digest of its bytes and of `basis`, which
// stands for whatever else decides what is read from it. Reads the file in pieces and does not
// parse it: about a second for a gigabyte. Empty for a pipe and the like, which can be read only
// once. NOT_FOUND, PERMISSION_DENIED, UNAVAILABLE: the file cannot be read.
absl::StatusOr<std::string> DigestUsersFile(const std::string& path, std::string_view basis);

struct LoadedUsers {
  std::vector<UserSeed> users;
  std::string digest;  // of the bytes that they were read from, as DigestUsersFile
};
// As LoadUsers. CANCELLED: `stop` was requested meanwhile; a file of a million users takes half a
// minute.
absl::StatusOr<LoadedUsers> LoadUsersWithDigest(const std::string& path,
                                                std::span<const std::string> known_pbxs,
                                                std::string_view basis, std::stop_token stop = {});

// Reads and checks the file. INVALID_ARGUMENT lists every error, one a line, with file, line and
// row (1 = the first user): keys that are unknown or missing, values that ValidateUser refuses, and
// ids, usernames (without regard to ASCII case), numbers and voicemail boxes in a context and
// devices on a PBX that occur twice, with both rows. `known_pbxs`, unless empty, are the only PBXs
// that lines may name. NOT_FOUND, PERMISSION_DENIED, UNAVAILABLE: the file cannot be read.
absl::StatusOr<std::vector<UserSeed>> LoadUsers(const std::string& path,
                                                std::span<const std::string> known_pbxs = {});

// The same for a text in memory; `name` stands for the file in messages. CANCELLED: `stop` was
// requested meanwhile.
absl::StatusOr<std::vector<UserSeed>> ParseUsers(std::string_view yaml, const std::string& name,
                                                 std::span<const std::string> known_pbxs = {},
                                                 std::stop_token stop = {});

// The keys of a user, of his voicemail box and of a line.
std::span<const Key> UserKeys();
std::span<const Key> VoicemailKeys();
std::span<const Key> LineKeys();

}  // namespace unipresence::config

#endif  // UNIPRESENCE_SERVER_CONFIG_USERS_FILE_H_
