#include "server/app/users_reading.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <malloc.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"

namespace unipresence {
namespace {

std::vector<std::string> PbxNames(const config::Config& config) {
  std::vector<std::string> names;
  for (const config::PbxConfig& pbx : config.pbxs) names.push_back(pbx.name);
  std::sort(names.begin(), names.end());
  return names;
}

std::string BasisOf(const config::Config& config) {
  return fmt::format("{}\n{}\n{}\n", UNIPRESENCE_VERSION, config.users_file_wins,
                     fmt::join(PbxNames(config), "\n"));
}

std::vector<std::string> LinesOf(const std::string& file, const TakenUsersFile& taken) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("users file {}: as it was taken before, and not read again", file));
  if (taken.users_changed && !taken.notes.empty()) {
    lines.push_back(fmt::format(
        "users file {}: users have changed since; what it says of them was not compared", file));
    return lines;
  }
  std::istringstream notes(taken.notes);
  for (std::string note; std::getline(notes, note);) {
    lines.push_back(fmt::format("users file {}: {}", file, note));
  }
  return lines;
}

absl::StatusOr<UsersReading> Read(const config::Config& config,
                                  const std::optional<TakenUsersFile>& taken,
                                  std::stop_token stop) {
  UsersReading reading;
  if (config.users_file.empty()) return reading;
  const std::string basis = BasisOf(config);
  if (taken.has_value()) {
    UNIPRESENCE_ASSIGN_OR_RETURN(const std::string digest,
                                 config::DigestUsersFile(config.users_file, basis));
    if (IsTaken(*taken, digest, config.users_file_wins)) {
      reading.lines = LinesOf(config.users_file, *taken);
      return reading;
    }
  }
  UNIPRESENCE_ASSIGN_OR_RETURN(
      config::LoadedUsers loaded,
      config::LoadUsersWithDigest(config.users_file, PbxNames(config), basis, std::move(stop)));
  reading.needed = true;
  reading.users = std::move(loaded.users);
  reading.digest = std::move(loaded.digest);
  return reading;
}

}  // namespace

absl::StatusOr<UsersReading> ReadUsersFile(const config::Config& config,
                                           const std::optional<TakenUsersFile>& taken,
                                           std::stop_token stop) {
  absl::StatusOr<UsersReading> reading = Read(config, taken, std::move(stop));
  if (reading.ok() || absl::IsCancelled(reading.status())) return reading;
  // A fault of what the administrator wrote, whatever it is.
  return absl::InvalidArgumentError(reading.status().message());
}

bool IsTaken(const TakenUsersFile& taken, std::string_view digest, bool file_wins) {
  if (digest.empty() || taken.digest != digest || !taken.complete) return false;
  return !taken.users_changed || (!file_wins && !taken.refused);
}

void GiveBackMemory() { ::malloc_trim(0); }

}  // namespace unipresence
