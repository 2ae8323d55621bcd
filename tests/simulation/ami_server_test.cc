// The AMI port as a client meets it: good days, and everything that goes wrong with links.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/running_sim.h"
#include "tests/simulation/wire_text.h"

namespace unipresence::simulation {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

class AmiServerTest : public ::testing::Test {
 protected:
  std::unique_ptr<WireClient> Connected(int receive_buffer = 0) {
    auto client = std::make_unique<WireClient>(sim_->port(), receive_buffer);
    client->Login();
    return client;
  }

  Json Run(const Json& command) {
    Json reply = control_->Run(command);
    EXPECT_EQ(reply.value("ok", false), true) << command << " -> " << reply;
    return reply;
  }

  // Ends the wait of another command, whose reply comes on `control_`.
  void GoOn() {
    EXPECT_EQ(ControlClient(sim_->control_port()).Run({{"command", "go_on"}}).at("ok"), true);
  }

  // Starts anew with these options.
  void Use(const Options& options) {
    control_.reset();
    sim_.reset();
    sim_ = std::make_unique<RunningSim>(options);
    control_ = std::make_unique<ControlClient>(sim_->control_port());
  }

  std::unique_ptr<RunningSim> sim_ = std::make_unique<RunningSim>();
  std::unique_ptr<ControlClient> control_ = std::make_unique<ControlClient>(sim_->control_port());
};

// The state that a client believes each device to be in, from rows of lists and events alike.
std::map<std::string, std::string> HeardStates(const std::string& wire) {
  std::map<std::string, std::string> states;
  for (const WireMessage& message : ParseWire(wire)) {
    if (message.Get("Event") == "DeviceStateChange") {
      states[message.Get("Device")] = message.Get("State");
    }
  }
  return states;
}

// Timestamps have six digits behind the point, and the rate is kept by another clock than theirs.
constexpr double kRounding = 0.001;

double WallSeconds() { return static_cast<double>(Clock::System().WallNow()) / 1e6; }

TEST_F(AmiServerTest, GreetsAndAnswers) {
  WireClient client(sim_->port());
  EXPECT_EQ(client.ReadUntil("\r\n"), "Asterisk Call Manager/11.0.0\r\n");
  client.Login();
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), StartsWith("Event: FullyBooted\r\n"));
  client.Send("Action: Ping\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("Ping: Pong"));
}

TEST_F(AmiServerTest, AWrongPasswordEndsTheConnection) {
  WireClient client(sim_->port());
  client.Send("Action: Login\r\nUsername: unipresence\r\nSecret: wrong\r\n\r\n");
  EXPECT_THAT(client.ReadToEnd(), EndsWith("Message: Authentication failed\r\n\r\n"));
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(AmiServerTest, EveryClientHearsACall) {
  const auto one = Connected();
  const auto other = Connected();
  Run({{"command", "dial"}, {"device", "user0"}, {"number", "1001"}});
  Run({{"command", "answer"}, {"device", "user1"}});
  Run({{"command", "hangup"}, {"device", "user1"}});
  for (WireClient* client : {one.get(), other.get()}) {
    const std::string heard = client->ReadUntil("Cause-txt: Normal Clearing\r\n");
    EXPECT_THAT(heard, HasSubstr("Event: Newchannel\r\n"));
    EXPECT_THAT(heard, HasSubstr("Event: BridgeEnter\r\n"));
  }
}

TEST_F(AmiServerTest, AConnectionIsCutWhereverItIs) {
  const auto client = Connected();
  client->ReadUntil("Fully Booted\r\n\r\n");
  Run({{"command", "cut"}, {"after", 10}});
  Run({{"command", "state"}, {"device", "user0"}, {"state", "INUSE"}});
  EXPECT_EQ(client->ReadToEnd(), "Event: Dev");
  EXPECT_TRUE(client->AtEnd());
}

TEST_F(AmiServerTest, AClientThatDoesNotReadIsCutOffInTheMiddleOfAnEvent) {
  Options options = TestOptions();
  options.users = 1000;
  options.write_timeout = std::chrono::milliseconds(50);
  Use(options);
  const auto client = Connected(/*receive_buffer=*/4096);
  // Without a reader the storm ends only because the connection does.
  Run({{"command", "storm"}, {"events", 500'000}});
  const std::string heard = client->ReadToEnd();
  EXPECT_TRUE(client->AtEnd());
  EXPECT_LT(ParseWire(heard).size(), 500'000U);
  EXPECT_THAT(heard, Not(EndsWith("\r\n\r\n")));
}

TEST_F(AmiServerTest, ARestartSaysHangupsThenShutdownThenNothing) {
  const auto client = Connected();
  client->Send(
      "Action: DBPut\r\nFamily: unipresence/from-users/1001\r\nKey: dnd\r\nVal: no\r\n\r\n");
  client->ReadUntil("Updated database successfully\r\n\r\n");
  Run({{"command", "dial"}, {"device", "user0"}, {"number", "1001"}});
  Run({{"command", "restart"}, {"stopping_ms", 10}, {"down_ms", 10}, {"booting_ms", 10}});
  const std::string heard = client->ReadToEnd();
  EXPECT_TRUE(client->AtEnd());
  EXPECT_THAT(heard, HasSubstr("Event: Hangup\r\n"));
  EXPECT_THAT(heard, EndsWith("Shutdown: Cleanly\r\nRestart: False\r\n\r\n"));
  EXPECT_EQ(Run({{"command", "db_get"}, {"family", "unipresence/from-users/1001"}, {"key", "dnd"}})
                .at("value"),
            "no");
  EXPECT_TRUE(Run({{"command", "status"}}).at("channels").empty());
}

TEST_F(AmiServerTest, AKilledPbxSaysNothingAndForgetsWhatAstDbHasNotCommitted) {
  Options options = TestOptions();
  options.commit_interval = std::chrono::hours(1);
  Use(options);
  const auto client = Connected();
  client->Send(
      "Action: DBPut\r\nFamily: unipresence/from-users/1001\r\nKey: dnd\r\nVal: no\r\n\r\n");
  client->ReadUntil("Updated database successfully\r\n\r\n");
  Run({{"command", "dial"}, {"device", "user0"}, {"number", "1001"}});
  Run({{"command", "kill"}, {"down_ms", 10}, {"booting_ms", 10}});
  const std::string heard = client->ReadToEnd();
  EXPECT_TRUE(client->AtEnd());
  EXPECT_THAT(heard, Not(HasSubstr("Event: Hangup\r\n")));
  EXPECT_THAT(heard, Not(HasSubstr("Shutdown")));
  EXPECT_TRUE(
      Run({{"command", "db_get"}, {"family", "unipresence/from-users/1001"}, {"key", "dnd"}})
          .at("value")
          .is_null());
}

TEST_F(AmiServerTest, WhileBootingOneLogsInAndContactsComeBackWithoutDeviceStates) {
  const auto before = Connected();
  control_->Start({{"command", "kill"}, {"down_ms", 1}, {"booting_ms", kUntilToldToGoOn}});
  before->ReadToEnd();
  std::unique_ptr<WireClient> client;
  do {
    client = std::make_unique<WireClient>(sim_->port());
  } while (!client->connected());
  client->Login();
  GoOn();
  const std::string heard = client->ReadUntil("Status: Fully Booted\r\n");
  EXPECT_THAT(heard, HasSubstr("ContactStatus: NonQualified\r\n"));
  EXPECT_THAT(heard, Not(HasSubstr("DeviceStateChange")));
  EXPECT_EQ(control_->Reply().at("ok"), true);
}

TEST_F(AmiServerTest, ConnectionsAreRefusedForAWhile) {
  const auto client = Connected();
  control_->Start({{"command", "refuse_connections"}, {"ms", kUntilToldToGoOn}});
  ControlClient second(sim_->control_port());
  second.Run({{"command", "status"}});  // behind the other command
  EXPECT_FALSE(WireClient(sim_->port()).connected());
  GoOn();
  EXPECT_EQ(control_->Reply().at("ok"), true);
  EXPECT_TRUE(WireClient(sim_->port()).connected());
  client->Send("Action: Ping\r\n\r\n");  // those that were there stay
  EXPECT_THAT(client->ReadUntil("Pong"), HasSubstr("Pong"));
}

TEST_F(AmiServerTest, AConnectionMayBeAcceptedAndClosedWithoutABanner) {
  Run({{"command", "accept"}, {"how", "and_closing"}});
  WireClient client(sim_->port());
  EXPECT_TRUE(client.connected());
  EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(AmiServerTest, TheFiftyFirstStrangerIsTurnedAway) {
  std::vector<std::unique_ptr<WireClient>> strangers;
  for (int i = 0; i < 50; ++i) {
    strangers.push_back(std::make_unique<WireClient>(sim_->port()));
    EXPECT_THAT(strangers.back()->ReadUntil("\r\n"), StartsWith("Asterisk"));
  }
  EXPECT_EQ(WireClient(sim_->port()).ReadToEnd(), "");
}

TEST_F(AmiServerTest, AStormIsRealChangesAndTheListsAgreeWithIt) {
  Options options = TestOptions();
  options.users = 500;
  Use(options);
  const auto client = Connected();
  control_->Start({{"command", "storm"}, {"events", 12'345}, {"devices", 1000}});
  std::map<std::string, std::string> states;
  std::string heard;
  std::size_t events = 0;
  while (events < 12'345) {
    heard = client->ReadUntil("\r\n\r\n");
    ASSERT_FALSE(heard.empty());
    const WireMessage message = ParseWire(heard).at(0);
    if (message.Get("Event") != "DeviceStateChange") continue;
    ++events;
    const auto before = states.find(message.Get("Device"));
    const std::string was = before == states.end() ? "NOT_INUSE" : before->second;
    EXPECT_NE(message.Get("State"), was) << message.Get("Device");
    states[message.Get("Device")] = message.Get("State");
  }
  EXPECT_EQ(control_->Reply().at("events"), 12'345);
  client->Send("Action: DeviceStateList\r\n\r\n");
  EXPECT_EQ(HeardStates(client->ReadUntil("ListItems")), states);
}

TEST_F(AmiServerTest, WhoComesDuringAStormHearsTheTruthToo) {
  Options options = TestOptions();
  options.users = 2000;
  Use(options);
  const auto early = Connected();
  control_->Start({{"command", "storm"}, {"events", 2'000'001}});
  early->ReadUntil("DeviceStateChange");
  std::thread reader([&early] { early->ReadToEnd(); });
  const auto late = Connected();
  std::map<std::string, std::string> followed;
  for (int i = 0; i < 5; ++i) {
    late->Send("Action: DeviceStateList\r\nActionID: list\r\n\r\n");
    const std::string events = late->ReadUntil("Response: Success\r\nActionID: list\r\n");
    const std::string list = late->ReadUntil("ListItems: 4000\r\n\r\n");
    for (const auto& [device, state] : HeardStates(events)) followed[device] = state;
    if (i == 0) followed = HeardStates(list);
    EXPECT_EQ(followed, HeardStates(list)) << "list " << i;
  }
  sim_.reset();
  reader.join();
}

TEST_F(AmiServerTest, ARateIsKeptAndTimestampsAreThoseOfSending) {
  const auto client = Connected();
  const double begun = WallSeconds();
  const Json reply = Run({{"command", "rate"}, {"per_second", 1000}, {"seconds", 0.2}});
  const double ended = WallSeconds();
  EXPECT_EQ(reply.at("events"), 200);
  EXPECT_GE(reply.at("seconds").get<double>(), 0.199);
  client->ReadUntil("Fully Booted\r\n\r\n");
  double previous = begun;
  for (int i = 0; i < 200; ++i) {
    const WireMessage message = ParseWire(client->ReadUntil("\r\n\r\n")).at(0);
    const double sent = std::stod(message.Get("Timestamp"));
    EXPECT_GE(sent, previous - kRounding);
    // None comes before its turn; one that a busy machine holds up may come behind it.
    EXPECT_GE(sent, begun + i * 0.001 - kRounding) << "event " << i;
    previous = sent;
  }
  EXPECT_LE(previous, ended + kRounding);
}

TEST_F(AmiServerTest, CommandsThatMakeNoSenseSayWhy) {
  EXPECT_EQ(control_->Run({{"command", "fly"}}),
            (Json{{"ok", false}, {"error", "no command \"fly\"; --help lists them"}}));
  EXPECT_EQ(
      control_->Run({{"command", "answer"}, {"device", "user3"}, {"tag", 7}}),
      (Json{{"ok", false}, {"error", "user3 has no channel that could do this"}, {"tag", 7}}));
  EXPECT_EQ(control_->Run({{"command", "hold"}, {"device", "nobody"}}).at("error"),
            "no device nobody");
  EXPECT_EQ(control_->Run({{"command", "db_get"}}).at("ok"), false);
  EXPECT_EQ(control_->Run({{"command", "register"}, {"device", 5}}).at("ok"), false);
}

}  // namespace
}  // namespace unipresence::simulation
