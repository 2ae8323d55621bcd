// Bytes, virtual time and followers in one thread: a random life of a PBX through the whole way
// from its bytes to a follower's table, twice with one seed, with the same output bit for bit.
//
// UNIPRESENCE_EVENTS=1000000 makes it as many events.

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/ami/message.h"
#include "fmt/format.h"
#include "tests/simulation/random.h"
#include "tests/testing/users.h"
#include "tests/unit/pbx/naive_pbx.h"
#include "tests/unit/pipeline/site.h"
#include "tests/unit/publish/mirror.h"
#include "unipresence/v1/replication.pb.h"

namespace unipresence {
namespace {

using pbx::NaivePbx;

constexpr std::uint64_t kCrowd = 200;
constexpr std::string_view kStates[] = {"NOT_INUSE", "INUSE", "RINGING", "ONHOLD", "RINGINUSE"};
constexpr std::string_view kTopic("all\0", 4);

std::size_t Events() {
  const char* const count = std::getenv("UNIPRESENCE_EVENTS");
  return count == nullptr ? 10'000 : std::strtoull(count, nullptr, 10);
}

class Digest {
 public:
  Digest() { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void Add(std::string_view bytes) {
    const std::uint64_t size = bytes.size();
    EVP_DigestUpdate(context_.get(), &size, sizeof(size));
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
  }
  std::string Finish() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), digest, &size);
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
    return hex;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(),
                                                                   &EVP_MD_CTX_free};
};

class World {
 public:
  explicit World(std::uint64_t seed)
      : random_(seed),
        site_({"alice", "crowd7"}),
        pbx_([this](const std::string& event) { Emit(event); }),
        states_(kCrowd, 0),
        follower_(mirror_) {
    site_.on_frame = [this](std::string_view frame) {
      digest_.Add(frame);
      if (frame.starts_with(kTopic)) frames_.emplace_back(frame.substr(kTopic.size()));
    };
    site_.on_action = [this](const std::string& action) {
      OnAction(std::string(ami::Message(action).Get("Action")));
      return true;
    };
    site_.Open([](Core& core) {
      for (const auto& [id, exten] : {std::pair("alice", "1000"), std::pair("bob", "1001")}) {
        EXPECT_TRUE(core.engine.AddUser(testing::UniqueAccount(id, exten), {}).ok());
      }
      for (std::uint64_t i = 0; i < kCrowd; ++i) {
        const std::string id = fmt::format("crowd{}", i);
        EXPECT_TRUE(
            core.engine.AddUser(testing::UniqueAccount(id, fmt::format("{}", 5000 + i)), {}).ok());
      }
    });
    site_.Connect();
    Follow();
  }

  std::string Live(std::size_t events) {
    while (events_ < events && !::testing::Test::HasFailure()) {
      Step();
      Deliver(random_.Chance(30) ? random_.Below(wire_.size() + 1) : wire_.size());
      Follow();
      if (++steps_ % 1000 == 0) Compare();
    }
    Deliver(wire_.size());
    Settle();
    Compare();
    digest_.Add(site_.actions);
    return digest_.Finish();
  }

  std::size_t frames() const { return followed_; }
  std::size_t snapshots() const { return snapshots_; }
  std::size_t cuts() const { return cuts_; }
  // How often the follower's table was held against the engine's.
  std::size_t compared() const { return compared_; }
  std::uint64_t corrections() { return site_.engine().pbxs()[site_.pbx()].corrections; }

 private:
  void Emit(std::string_view event) {
    ++events_;
    if (!heard_ || random_.Below(200) == 0) return;  // now and then one is lost
    wire_ += fmt::format("{}\r\n", event);
  }

  void Step() {
    const std::uint64_t what = random_.Below(1000);
    if (what < 600) {
      Crowd(1 + random_.Below(20));
    } else if (what < 880) {
      pbx_.Do(static_cast<NaivePbx::Op>(
                  random_.Below(static_cast<std::uint64_t>(NaivePbx::Op::kCount))),
              static_cast<unsigned>(random_.Below(12)), static_cast<unsigned>(random_.Below(12)));
    } else if (what < 930) {
      Choose();
    } else if (what < 988) {
      site_.Passes(std::chrono::microseconds(random_.Below(200'000)));
    } else if (what < 998) {
      site_.Run([&](Core& core) { core.engine.pbxs().RequestListing(site_.pbx()); });
    } else {
      LoseLink();
    }
  }

  void Crowd(std::uint64_t count) {
    for (; count > 0; --count) {
      const std::uint64_t i = random_.Below(kCrowd);
      states_[i] = random_.Below(std::size(kStates));
      Emit(fmt::format(
          "Event: DeviceStateChange\r\nPrivilege: call,all\r\nDevice: PJSIP/crowd{}\r\nState: "
          "{}\r\n",
          i, kStates[states_[i]]));
    }
  }

  void Choose() {
    const std::string user =
        random_.Chance(30) ? "alice" : fmt::format("crowd{}", random_.Below(9));
    const std::uint64_t what = random_.Below(3);
    const bool on = random_.Chance(50);
    site_.Run([&](Core& core) {
      absl::Status status;
      if (what == 0) {
        status = core.engine.SetLoggedIn(user, on, on ? CauseKind::kLogin : CauseKind::kLogout);
      } else if (what == 1) {
        status = core.engine.SelectDevice(user, on ? LineKind::kWebrtc : LineKind::kDeskphone);
      } else {
        status = core.engine.SetDoNotDisturb(user, on);
      }
      EXPECT_TRUE(status.ok()) << status;
    });
  }

  void LoseLink() {
    ++cuts_;
    heard_ = false;
    wire_.clear();
    site_.Cut();
    if (random_.Chance(30)) pbx_.Restart();
    Crowd(random_.Below(20));
    site_.Passes(std::chrono::milliseconds(random_.Below(300)));
    heard_ = true;
    site_.Connect();
    EXPECT_EQ(site_.engine().pbxs()[site_.pbx()].link, LinkState::kSynced);
  }

  // Asterisk says what came before it lists.
  void OnAction(const std::string& name) {
    if (name != "DeviceStateList" && name != "PJSIPShowEndpoints" && name != "PJSIPShowContacts" &&
        name != "CoreShowChannels" && name != "Status") {
      return;
    }
    site_.driver().Says(std::exchange(wire_, {}));
    const pbx::Lists lists = pbx_.MakeLists();
    auto& rows = site_.asterisk().lists;
    rows["PJSIPShowEndpoints"] = *lists.endpoints;
    rows["DeviceStateList"] = *lists.device_states;
    rows["PJSIPShowContacts"] = *lists.contacts;
    rows["CoreShowChannels"] = *lists.channels;
    rows["Status"] = *lists.statuses;
    for (std::uint64_t i = 0; i < kCrowd; ++i) {
      rows["DeviceStateList"].push_back(
          fmt::format("Event: DeviceStateChange\r\nDevice: PJSIP/crowd{}\r\nState: {}\r\n", i,
                      kStates[states_[i]]));
    }
  }

  void Deliver(std::size_t size) {
    const std::string bytes = wire_.substr(0, size);
    wire_.erase(0, bytes.size());
    site_.Says(bytes);
  }

  // The follower applies what came; now and then a frame is lost on the way, and it heals.
  void Follow() {
    for (const std::string& bytes : std::exchange(frames_, {})) {
      if (random_.Below(5000) == 0) continue;
      publish::StreamFrameView frame;
      ASSERT_TRUE(ReadStreamFrame(bytes, frame));
      follower_.ApplyFrame(frame);
      ++followed_;
    }
    if (follower_.snapshot_done() || follower_.epoch() == 0) return;
    ++snapshots_;
    follower_.BeginSnapshot();
    for (const std::string& bytes : site_.Snapshot()) {
      v1::SnapshotReply page;
      ASSERT_TRUE(page.ParseFromString(bytes));
      ASSERT_TRUE(follower_.ApplyPage(page));
      digest_.Add(bytes);
    }
    follower_.EndSnapshot();
  }

  // All is told, and a follower that lost something has healed.
  void Settle() {
    const auto is_there = [this] {
      return follower_.current() && follower_.sequence() == site_.engine().sequence();
    };
    for (int i = 0; i < 100 && !is_there(); ++i) {
      site_.Passes(std::chrono::seconds(2));
      Follow();
    }
    EXPECT_TRUE(is_there());
  }

  // Once the follower is where the server is, it holds the same.
  void Compare() {
    if (follower_.sequence() != site_.engine().sequence() || !follower_.current()) return;
    ++compared_;
    std::size_t users = 0;
    site_.engine().Read(0, kCrowd + 10, [&](const PresenceSource::Entry& entry) {
      const auto value = follower_.Find(entry.presence.user);
      ASSERT_TRUE(value) << entry.presence.user;
      EXPECT_EQ(value->state, entry.presence.state) << entry.presence.user;
      EXPECT_EQ(value->revision, entry.presence.revision) << entry.presence.user;
      ++users;
    });
    EXPECT_EQ(follower_.size(), users);
  }

 private:
  simulation::Random random_;
  Site site_;
  NaivePbx pbx_;
  std::vector<std::size_t> states_;  // of the crowd, into kStates
  bool heard_ = true;
  std::string wire_;
  std::size_t events_ = 0;
  std::size_t steps_ = 0;
  std::size_t cuts_ = 0;
  std::size_t compared_ = 0;
  Digest digest_;
  std::vector<std::string> frames_;  // not followed yet
  publish::Mirror mirror_;
  publish::ReplicaTable follower_;
  std::size_t followed_ = 0;
  std::size_t snapshots_ = 0;
};

TEST(WholeWayTest, OneSeedGivesOneOutputBitForBit) {
  spdlog::set_level(spdlog::level::off);  // cuts by the hundred
  World first(7);
  const std::string output = first.Live(Events());
  EXPECT_GT(first.frames(), Events() / 20);
  EXPECT_GT(first.cuts(), 0u);
  EXPECT_GT(first.snapshots(), 0u);
  EXPECT_GT(first.compared(), 0u);
  EXPECT_GT(first.corrections(), 0u);
  World again(7);
  EXPECT_EQ(again.Live(Events()), output);
}

TEST(WholeWayTest, AnotherSeedGivesAnother) {
  spdlog::set_level(spdlog::level::off);
  EXPECT_NE(World(7).Live(1'000), World(8).Live(1'000));
}

}  // namespace
}  // namespace unipresence
