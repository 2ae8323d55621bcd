#ifndef UNIPRESENCE_TESTS_SIMULATION_PEOPLE_H_
#define UNIPRESENCE_TESTS_SIMULATION_PEOPLE_H_

// A simulated PBX with the people of the recorded streams, for tests without sockets: alice and bob
// with two lines each (alice, alice_w, bob, bob_w; 1000, 1001), carol with a deskphone (1002).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/simulation/simulated_pbx.h"
#include "tests/simulation/wire_text.h"
#include "tests/testing/fake_clock.h"

namespace unipresence::simulation {

// The directory of these people; aborts the test run if the file cannot be read.
Directory People();

struct PeoplePbx {
  explicit PeoplePbx(std::uint64_t seed = 0) : pbx(People(), clock, recorder, seed) {}

  EndpointId Phone(std::string_view name) const { return *pbx.directory().FindEndpoint(name); }

  void RegisterAll() {
    for (EndpointId phone = 0; phone < pbx.directory().endpoint_count(); ++phone) {
      pbx.phones().RegisterSilently(phone);
    }
  }

  // Calls to the number ring on this phone, as if the server had written it.
  void Select(std::string_view number, std::string_view device) {
    pbx.database().Put(fmt::format("unipresence/default/{}", number), "interface", device);
  }

  ChannelId Dial(std::string_view phone, std::string_view number, bool ring = true) {
    const absl::StatusOr<ChannelId> channel = pbx.calls().Dial(Phone(phone), number, ring);
    EXPECT_TRUE(channel.ok()) << channel.status();
    return channel.value_or(kNoChannel);
  }

  // The youngest channel of the phone.
  ChannelId Channel(std::string_view phone) const {
    const std::vector<ChannelId> channels = pbx.calls().ChannelsOf(Phone(phone));
    EXPECT_FALSE(channels.empty()) << phone << " has no channel";
    return channels.empty() ? kNoChannel : channels.back();
  }

  testing::FakeClock clock;
  EventRecorder recorder;
  SimulatedPbx pbx;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_PEOPLE_H_
