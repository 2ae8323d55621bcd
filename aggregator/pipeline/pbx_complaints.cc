#include "aggregator/pipeline/pbx_complaints.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "aggregator/pbx/manager_rights.h"

namespace unipresence {
namespace {

// "5 of 6 items came" and "7 of 9 items came" are one reason.
std::string Kind(std::string_view why) {
  std::string kind(why);
  std::erase_if(kind, [](char c) { return c >= '0' && c <= '9'; });
  return kind;
}

}  // namespace

void PbxComplaints::Raise(std::string_view what, std::string_view why, std::string_view rights) {
  const auto [at, added] = reasons_.try_emplace(std::string(what));
  const bool known = !added && Kind(at->second.why) == Kind(why);
  at->second = {.why = std::string(why)};
  if (known) return;
  const std::string advice = why == pbx::kPermissionDenied
                                 ? fmt::format("; give the manager account {}", rights)
                                 : std::string();
  spdlog::warn("pbx {}: {}: {}{}", pbx_, what, why, advice);
}

void PbxComplaints::Resolve(std::string_view what) {
  const auto at = reasons_.find(what);
  if (at == reasons_.end()) return;
  spdlog::info("pbx {}: {} is told again, it was: {}", pbx_, what, at->second.why);
  reasons_.erase(at);
}

void PbxComplaints::Rest(std::string_view what) {
  const auto at = reasons_.find(what);
  if (at != reasons_.end()) at->second.stands = false;
}

std::vector<std::string> PbxComplaints::Names() const {
  std::vector<std::string> names;
  for (const auto& [what, reason] : reasons_) {
    if (reason.stands) names.push_back(what);
  }
  return names;
}

std::vector<std::string> PbxComplaints::Standing() const {
  std::vector<std::string> standing;
  for (const auto& [what, reason] : reasons_) {
    if (reason.stands) standing.push_back(fmt::format("{}: {}", what, reason.why));
  }
  return standing;
}

}  // namespace unipresence
