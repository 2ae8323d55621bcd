#include "aggregator/model/line.h"

#include "absl/strings/match.h"
#include "aggregator/base/strings.h"

namespace unipresence {
namespace {

// The technologies of phones, as their channel drivers register them.
constexpr std::string_view kTechnologies[] = {
    "PJSIP", "SIP",  "SCCP",  "IAX2",   "DAHDI",  "Skinny",  "MGCP",  "USTM",
    "mISDN", "H323", "Motif", "Mobile", "Dongle", "Quectel", "Local", "Console",
};

}  // namespace

std::string CanonicalDevice(std::string_view device) {
  const std::string_view given = device.substr(0, device.find('/'));
  for (const std::string_view technology : kTechnologies) {
    if (!absl::EqualsIgnoreCase(ToAbsl(given), ToAbsl(technology))) continue;
    return std::string(technology).append(device.substr(given.size()));
  }
  return std::string(device);
}

LineKinds KindsOf(std::span<const Line> lines) {
  LineKinds kinds;
  for (const Line& line : lines) kinds.Add(line.kind);
  return kinds;
}

}  // namespace unipresence
