#include "tests/simulation/demo.h"

#include <string>
#include <utility>

#include "fmt/format.h"

namespace unipresence::simulation {
namespace {

// Percent of the steps, or of the choices at one.
constexpr unsigned kBrowserToggles = 4;
constexpr unsigned kAnswered = 75;
constexpr unsigned kRefused = 10;  // the rest: the caller gives up
constexpr unsigned kHoldToggles = 35;
constexpr unsigned kTransferred = 8;  // the rest: somebody hangs up

}  // namespace

std::string Demo::Step() {
  if (random_.Chance(kBrowserToggles)) return ToggleBrowser();
  const auto& channels = pbx_.calls().channels();
  const std::vector<UserIndex> idle = IdleUsers();
  // The more people are free, the likelier a new call.
  const std::uint64_t chances = idle.size() / 2 + channels.size();
  if (chances == 0) return {};
  const std::uint64_t pick = random_.Below(chances);
  if (pick >= channels.size()) return StartCall();
  auto chosen = channels.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(pick));
  return GoOn(chosen->second);
}

std::vector<UserIndex> Demo::IdleUsers() const {
  std::vector<UserIndex> idle;
  for (UserIndex user = 0; user < pbx_.directory().user_count(); ++user) {
    std::size_t channels = 0;
    for (const EndpointId phone : pbx_.directory().EndpointsOf(user)) {
      channels += pbx_.phones().ChannelCount(phone);
    }
    if (channels == 0) idle.push_back(user);
  }
  return idle;
}

std::string Demo::StartCall() {
  const std::vector<UserIndex> idle = IdleUsers();
  if (idle.size() < 2) return {};
  const std::size_t from = static_cast<std::size_t>(random_.Below(idle.size()));
  const std::size_t away = 1 + static_cast<std::size_t>(random_.Below(idle.size() - 1));
  const UserIndex to = idle[(from + away) % idle.size()];
  const std::vector<EndpointId> phones = pbx_.directory().EndpointsOf(idle[from]);
  const EndpointId phone = phones[static_cast<std::size_t>(random_.Below(phones.size()))];
  if (!pbx_.phones().Reachable(phone)) return {};
  const DirectoryUser callee = pbx_.directory().User(to);
  if (!pbx_.calls().Dial(phone, callee.exten).ok()) return {};
  return fmt::format("PJSIP/{} dials {} ({})", pbx_.directory().EndpointName(phone), callee.exten,
                     callee.display_name);
}

std::string Demo::GoOn(const Channel& channel) {
  if (channel.dialler != kNoChannel || channel.originated) return GoOnRinging(channel);
  if (channel.bridge != kNoBridge) return GoOnTalking(channel);
  return {};
}

std::string Demo::GoOnRinging(const Channel& leg) {
  const std::string name = leg.name;
  if (random_.Chance(kAnswered)) {
    return pbx_.calls().Answer(leg.id).ok() ? name + " answers" : std::string();
  }
  if (random_.Chance(kRefused) || leg.dialler == kNoChannel) {
    return pbx_.calls().Refuse(leg.id, 21).ok() ? name + " refuses" : std::string();
  }
  const Channel* caller = pbx_.calls().Find(leg.dialler);
  const std::string caller_name = caller->name;
  return pbx_.calls().Hangup(caller->id).ok() ? caller_name + " gives up" : std::string();
}

std::string Demo::GoOnTalking(const Channel& channel) {
  const std::string name = channel.name;
  if (channel.holding) {
    return pbx_.calls().Unhold(channel.id).ok() ? name + " resumes" : std::string();
  }
  if (random_.Chance(kHoldToggles) && !channel.held) {
    return pbx_.calls().Hold(channel.id).ok() ? name + " holds" : std::string();
  }
  const std::vector<UserIndex> idle = IdleUsers();
  if (random_.Chance(kTransferred) && !idle.empty()) {
    const DirectoryUser to =
        pbx_.directory().User(idle[static_cast<std::size_t>(random_.Below(idle.size()))]);
    if (pbx_.calls().BlindTransfer(channel.id, to.exten).ok()) {
      return fmt::format("{} transfers to {} ({})", name, to.exten, to.display_name);
    }
  }
  return pbx_.calls().Hangup(channel.id).ok() ? name + " hangs up" : std::string();
}

std::string Demo::ToggleBrowser() {
  // At most one browser is away at a time: it comes back before another one leaves.
  if (away_.has_value()) {
    const EndpointId phone = *std::exchange(away_, std::nullopt);
    pbx_.phones().Register(phone);
    return fmt::format("PJSIP/{} registers", pbx_.directory().EndpointName(phone));
  }
  const auto user = static_cast<UserIndex>(random_.Below(pbx_.directory().user_count()));
  const DirectoryUser entry = pbx_.directory().User(user);
  const std::vector<EndpointId> phones = pbx_.directory().EndpointsOf(user);
  for (std::size_t i = 0; i < phones.size(); ++i) {
    if (entry.devices[i].kind != LineKind::kWebrtc || pbx_.phones().ChannelCount(phones[i]) > 0) {
      continue;
    }
    if (!pbx_.phones().Unregister(phones[i]).ok()) return {};
    away_ = phones[i];
    return fmt::format("PJSIP/{} unregisters", entry.devices[i].name);
  }
  return {};
}

}  // namespace unipresence::simulation
