#include "tests/simulation/dialplan.h"

#include <string>
#include <vector>

#include "fmt/format.h"

namespace unipresence::simulation {
namespace {

constexpr int kMostForwards = 5;

bool IsOn(const std::optional<std::string>& value) {
  return value.has_value() &&
         (*value == "1" || *value == "yes" || *value == "true" || *value == "on");
}

}  // namespace

Route FindRoute(const Directory& directory, const Phones& phones, const AstDb& database,
                std::string_view context, std::string_view number) {
  std::string exten(number);
  for (int hop = 0; hop <= kMostForwards; ++hop) {
    const std::optional<UserIndex> user = directory.FindNumber(context, exten);
    if (!user.has_value()) return {std::nullopt, 1};
    const std::string family = fmt::format("unipresence/{}/{}", context, exten);
    if (IsOn(database.Get(family, "dnd"))) return {std::nullopt, 17};
    const std::optional<std::string> forward = database.Get(family, "forward/unconditional");
    if (forward.has_value() && !forward->empty()) {
      exten = *forward;
      continue;
    }
    const std::optional<std::string> interface = database.Get(family, "interface");
    if (interface.has_value()) {
      const std::optional<EndpointId> in_use = directory.FindEndpoint(*interface);
      if (in_use.has_value() && phones.Reachable(*in_use)) return {in_use, 0};
    }
    for (const EndpointId phone : directory.EndpointsOf(*user)) {
      if (phones.Reachable(phone)) return {phone, 0};
    }
    return {std::nullopt, 20};
  }
  return {std::nullopt, 1};
}

}  // namespace unipresence::simulation
