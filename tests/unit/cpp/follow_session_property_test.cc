// Whatever happens to a follower's messages, it ends with what the server holds.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/cpp/follow_world.h"

namespace unipresence::client {
namespace {

using namespace std::chrono_literals;

void Disturb(World& world) {
  switch (*rc::gen::inRange(0, 20)) {
    case 0:
      if (!world.wire.empty()) world.wire.pop_back();
      break;
    case 1:
      world.wire.resize(*rc::gen::inRange<std::size_t>(0, world.wire.size() + 1));
      world.Disconnect();
      break;
    case 2:
      world.Connect();
      break;
    case 3:
      if (*rc::gen::inRange(0, 6) == 0) world.server.Restart(world.server.epoch() + 1);
      break;
    case 4:
      world.request.reset();
      break;
    case 5:
      world.session.OnMessage(*rc::gen::arbitrary<std::string>(), world.clock.Now());
      break;
    case 6:
      world.session.OnReply(*rc::gen::arbitrary<std::string>(), world.clock.Now());
      break;
    case 7:
      world.clock.Advance(10s);  // this process stalls
      break;
    default:
      world.clock.Advance(Duration(*rc::gen::inRange<std::int64_t>(0, 300'000'000)));
      break;
  }
}

void RunTheLaw(World& world, const std::vector<std::string>& users) {
  for (int i = 0; i < 40; ++i) world.server.Set("u" + std::to_string(i), PresenceState::kBusy);
  world.Flush();
  const int steps = *rc::gen::inRange(0, 200);
  for (int i = 0; i < steps; ++i) {
    for (int changes = *rc::gen::inRange(0, 4); changes > 0; --changes) {
      const std::string user = "u" + std::to_string(*rc::gen::inRange(0, 50));
      if (*rc::gen::inRange(0, 4) == 0) {
        world.server.Remove(user);
      } else {
        world.server.Set(user, static_cast<PresenceState>(*rc::gen::inRange(0, 8)));
      }
    }
    world.Flush();
    Disturb(world);
    if (*rc::gen::inRange(0, 8) == 0) world.Heartbeat();
    for (int reads = *rc::gen::inRange(0, 4); reads > 0; --reads) world.ReadOne();
    world.Step();
    if (*rc::gen::arbitrary<bool>()) world.Answer();
  }
  world.Connect();
  world.Run(30s);
  world.Refresh();
  world.Run(1s);
  std::map<std::string, publish::PresenceValue> expected = world.server.values();
  if (!users.empty()) {
    const std::set<std::string> followed(users.begin(), users.end());
    std::erase_if(expected, [&](const auto& item) { return !followed.contains(item.first); });
  }
  RC_ASSERT(world.listener.current);
  RC_ASSERT(world.listener.values == expected);
  RC_ASSERT(world.session.table().size() == expected.size());
}

RC_GTEST_PROP(FollowSessionProperty, AFollowerOfEveryoneEndsEqualToTheServersTable, ()) {
  World world({.page_bytes = 4096});
  RunTheLaw(world, {});
}

RC_GTEST_PROP(FollowSessionProperty, AFollowerOfSomeEndsEqualToTheServersTable, ()) {
  std::vector<std::string> users;
  for (int i = 0; i < 50; i += 3) users.push_back("u" + std::to_string(i));
  World world(Some(users, 5));
  RunTheLaw(world, users);
}

}  // namespace
}  // namespace unipresence::client
