#include "clients/cli/commands/user_advice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "aggregator/base/edit_distance.h"
#include "clients/cli/commands/directory.h"
#include "clients/cli/nearest.h"

namespace unipresence::cli {
namespace {

// Whoever is looked for by number or name, else whose id or name is near.
std::vector<std::string> Candidates(const std::string& wanted, const Directory& directory) {
  std::vector<std::string> exact;
  std::vector<std::string> words;
  for (const auto& [user, person] : directory.people()) {
    words.push_back(user);
    if (!person.name.empty()) words.push_back(person.name);
    if (wanted == person.number || EditDistance(wanted, person.name) == 0) exact.push_back(user);
  }
  std::sort(exact.begin(), exact.end());
  if (!exact.empty()) return exact;
  std::vector<std::string> users;
  for (const std::string& word : Nearest(wanted, words)) {
    for (const auto& [user, person] : directory.people()) {
      const bool meant = word == user || word == person.name;
      if (meant && std::find(users.begin(), users.end(), user) == users.end()) {
        users.push_back(user);
      }
    }
  }
  return users;
}

std::string Described(const std::string& user, const Person& person) {
  if (person.name.empty() && person.number.empty()) return Shown(user);
  return fmt::format("{} ({})", Shown(user),
                     person.name.empty()     ? Shown(person.number)
                     : person.number.empty() ? Shown(person.name)
                                             : Shown(person.name) + ", " + Shown(person.number));
}

}  // namespace

std::string AdviceOnUser(const absl::Status& status, CommandContext& context) {
  const v1::ErrorDetail detail = client::DetailOf(status);
  if (detail.reason() != v1::ERROR_REASON_USER_NOT_FOUND) return {};
  const auto user = detail.metadata().find("user");
  const auto users = detail.metadata().find("users");
  std::string wanted;
  if (user != detail.metadata().end()) {
    wanted = user->second;
  } else if (users != detail.metadata().end()) {
    wanted = users->second.substr(0, users->second.find(','));
  }
  if (wanted.empty()) return {};
  Directory directory(context);
  directory.ReadAll();
  std::vector<std::string> described;
  for (const std::string& id : Candidates(wanted, directory)) {
    if (described.size() < 3) described.push_back(Described(id, directory.Find(id)));
  }
  if (described.empty()) return {};
  return fmt::format("did you mean {}? all: unipresence users list", fmt::join(described, " or "));
}

}  // namespace unipresence::cli
