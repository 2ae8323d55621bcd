#include "tests/simulation/storm.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace unipresence::simulation {
namespace {

constexpr std::uint32_t kNotThere = std::numeric_limits<std::uint32_t>::max();

}  // namespace

Storm::Storm(const SimulatedPbx& pbx, std::vector<EndpointId> devices, std::uint64_t events,
             std::vector<DeviceState> states, std::uint64_t seed)
    : devices_(std::move(devices)),
      events_(events),
      states_(std::move(states)),
      place_(pbx.directory().endpoint_count(), kNotThere) {
  Random random(seed);
  for (std::size_t i = devices_.size(); i > 1; --i) {
    std::swap(devices_[i - 1], devices_[random.Below(i)]);
  }
  phases_.reserve(devices_.size());
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    place_[devices_[i]] = static_cast<std::uint32_t>(i);
    phases_.push_back(pbx.phones().Reported(devices_[i]) == states_.front() ? 1 : 0);
  }
  const std::string head = Header("Event", "DeviceStateChange") +
                           Header("Privilege", PrivilegeText(kCall)) +
                           Header("Timestamp", TimestampText(pbx.clock().WallNow()));
  const std::uint64_t used = (events_ + devices_.size() - 1) / devices_.size();
  rounds_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(states_.size(), used)));
  for (std::size_t round = 0; round < rounds_.size(); ++round) {
    std::string& text = rounds_[round].text;
    text.reserve(devices_.size() * (head.size() + 45));
    rounds_[round].ends.reserve(devices_.size());
    for (std::size_t i = 0; i < devices_.size(); ++i) {
      text.append(head).append("Device: PJSIP/");
      text.append(pbx.directory().EndpointName(devices_[i])).append("\r\nState: ");
      text.append(ToString(StateOf(i, round))).append("\r\n\r\n");
      rounds_[round].ends.push_back(text.size());
    }
  }
}

Storm::Piece Storm::At(std::uint64_t position, std::uint64_t limit) const {
  const std::size_t first = static_cast<std::size_t>(position % devices_.size());
  const Round& round =
      rounds_[static_cast<std::size_t>(position / devices_.size()) % rounds_.size()];
  const std::size_t count = static_cast<std::size_t>(
      std::min<std::uint64_t>({limit, devices_.size() - first, events_ - position}));
  const std::size_t begin = first == 0 ? 0 : round.ends[first - 1];
  return {std::string_view(round.text).substr(begin, round.ends[first + count - 1] - begin), count};
}

std::optional<DeviceState> Storm::StateAt(EndpointId phone, std::uint64_t position) const {
  const std::uint32_t place = place_[phone];
  if (place == kNotThere) return std::nullopt;
  const std::uint64_t heard =
      position / devices_.size() + (position % devices_.size() > place ? 1 : 0);
  if (heard == 0) return std::nullopt;
  return StateOf(place, heard - 1);
}

void Storm::Apply(SimulatedPbx& pbx) const {
  for (const EndpointId phone : devices_) {
    if (const auto state = StateAt(phone, events_); state.has_value()) {
      pbx.phones().SetReported(phone, *state);
    }
  }
}

}  // namespace unipresence::simulation
