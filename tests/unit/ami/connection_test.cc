// The transport on real sockets. Client and server share one loop, so that nothing here waits for a
// time to pass but the session's own short timeouts.

#include "aggregator/ami/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <asio.hpp>
#include <asio/ssl.hpp>

#include "tests/unit/ami/fake_asterisk.h"
#include "tests/unit/ami/test_certificate.h"

namespace unipresence::ami {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr std::string_view kEvent =
    "Event: DeviceStateChange\r\nPrivilege: call,all\r\nDevice: PJSIP/alice\r\nState: "
    "INUSE\r\n\r\n";

class RecordingHandler final : public SessionHandler {
 public:
  std::vector<std::string> heard;
  std::size_t events = 0;
  std::size_t bytes = 0;
  std::size_t reads = 0;
  std::function<void(const Message&)> on_event;
  std::function<void()> on_online;

  void OnOnline() override {
    heard.emplace_back("online");
    if (on_online) on_online();
  }
  void OnOffline(const absl::Status& reason) override {
    heard.emplace_back("offline: " + std::string(reason.message()));
  }
  void OnEvent(const Message& event, ActionToken) override {
    ++events;
    bytes += event.text().size() + 2;
    if (on_event) on_event(event);
  }
  void OnReadEnd() override { ++reads; }
};

class ConnectionTest : public ::testing::Test {
 protected:
  PbxConfig Config(std::uint16_t port) {
    PbxConfig config;
    config.name = "test";
    config.host = "127.0.0.1";
    config.port = port;
    config.username = "presence";
    config.secret = "s3cret";
    config.times.backoff_first = milliseconds(10);
    config.times.backoff_cap = milliseconds(40);
    return config;
  }
  PbxConfig Config(const FakeAsterisk& asterisk) { return Config(asterisk.port()); }

  // Runs the loop until `done`; false after a minute.
  bool RunUntil(const std::function<bool()>& done) {
    io_.restart();
    const auto end = std::chrono::steady_clock::now() + seconds(60);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io_.run_one_for(milliseconds(100));
      if (io_.stopped()) io_.restart();
    }
    return true;
  }

  asio::io_context io_;
  RecordingHandler handler_;
};

TEST_F(ConnectionTest, LogsInAndHearsEvents) {
  FakeAsterisk asterisk(io_);
  Connection connection(io_, Config(asterisk), handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.session().online(); }));
  EXPECT_THAT(asterisk.actions(), ElementsAre("Challenge", "Login"));
  std::string device;
  handler_.on_event = [&](const Message& event) { device = event.Get("Device"); };
  asterisk.Say(kEvent);
  ASSERT_TRUE(RunUntil([&] { return !device.empty(); }));
  EXPECT_EQ(device, "PJSIP/alice");
  EXPECT_GE(handler_.reads, 1u);
  EXPECT_GT(connection.probe().bytes_received.value(), kEvent.size());
  EXPECT_GT(connection.probe().bytes_sent.value(), 0u);
  EXPECT_EQ(connection.probe().state.load(), SessionState::kOnline);
}

TEST_F(ConnectionTest, SendsActions) {
  FakeAsterisk asterisk(io_);
  Connection connection(io_, Config(asterisk), handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.session().online(); }));
  int answers = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(connection.session()
                    .Send(ActionBuilder("DBPut"), ActionKind::kSingle,
                          [&](const absl::StatusOr<ActionReply>& reply) {
                            answers += reply.ok() && reply->text == "done" ? 1 : 0;
                          })
                    .ok());
  }
  EXPECT_GT(connection.probe().write_queue_bytes.load(), 0u);
  ASSERT_TRUE(RunUntil([&] { return answers == 100; }));
  ASSERT_TRUE(RunUntil([&] { return connection.probe().write_queue_bytes.load() == 0; }));
}

TEST_F(ConnectionTest, ConnectsAgainAfterTheEnd) {
  FakeAsterisk asterisk(io_);
  Connection connection(io_, Config(asterisk), handler_);
  ASSERT_TRUE(connection.Start().ok());
  for (std::size_t i = 1; i <= 5; ++i) {
    ASSERT_TRUE(RunUntil([&] { return connection.probe().logins.value() == i; }));
    asterisk.Hangup();
    ASSERT_TRUE(RunUntil([&] { return !connection.session().online(); }));
  }
  EXPECT_EQ(handler_.heard.size(), 10u);
  EXPECT_EQ(connection.probe().disconnects.value(), 5u);
}

TEST_F(ConnectionTest, AServerThatIsNotThereYet) {
  // Bound, so that nobody else gets the port, and not listening.
  asio::ip::tcp::acceptor nobody(io_, asio::ip::tcp::v4());
  nobody.bind({asio::ip::address_v4::loopback(), 0});
  const std::uint16_t port = nobody.local_endpoint().port();
  Connection connection(io_, Config(port), handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.probe().connects.value() >= 5; }));
  EXPECT_THAT(connection.probe().last_error(), HasSubstr("127.0.0.1:" + std::to_string(port)));
  EXPECT_THAT(connection.probe().last_error(), HasSubstr("refused"));
  EXPECT_THAT(handler_.heard, IsEmpty());
}

TEST_F(ConnectionTest, ANameThatDoesNotResolve) {
  PbxConfig config = Config(std::uint16_t{5038});
  config.host = "no-such-host.invalid";
  Connection connection(io_, config, handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return !connection.probe().last_error().empty(); }));
  EXPECT_THAT(connection.probe().last_error(),
              AnyOf(HasSubstr("no-such-host.invalid"), HasSubstr("no connection within")));
}

TEST_F(ConnectionTest, ClosedWithoutABanner) {
  FakeAsterisk asterisk(io_);
  asterisk.close_at_once = true;
  Connection connection(io_, Config(asterisk), handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.probe().connects.value() == 3; }));
  EXPECT_THAT(connection.probe().last_error(),
              AnyOf(HasSubstr("without a banner"), HasSubstr("the link to 127.0.0.1")));
  asterisk.close_at_once = false;
  ASSERT_TRUE(RunUntil([&] { return connection.session().online(); }));
}

TEST_F(ConnectionTest, RefusedLoginWaitsLong) {
  FakeAsterisk asterisk(io_);
  asterisk.refuse_login = true;
  Connection connection(io_, Config(asterisk), handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.probe().login_refused.value() == 1; }));
  EXPECT_GT(connection.session().NextDeadline() - Clock::System().Now(), seconds(50));
  EXPECT_EQ(connection.probe().connects.value(), 1u);
}

TEST_F(ConnectionTest, ASilentLinkIsNoticed) {
  FakeAsterisk asterisk(io_);
  asterisk.answer = false;
  PbxConfig config = Config(asterisk);
  config.times.ping_after = milliseconds(20);
  config.times.dead_after = milliseconds(20);
  Connection connection(io_, config, handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.probe().dead_links.value() == 1; }));
  EXPECT_THAT(asterisk.actions(), Contains("Ping"));
  EXPECT_THAT(handler_.heard, Contains(HasSubstr("the link is dead")));
}

TEST_F(ConnectionTest, AnActionTimesOutWhenNothingElseIsDue) {
  FakeAsterisk asterisk(io_);
  asterisk.answer = false;
  PbxConfig config = Config(asterisk);
  config.times.action = milliseconds(20);
  config.times.ping_after = seconds(30);
  Connection connection(io_, config, handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.session().online(); }));
  absl::Status ended;
  ASSERT_TRUE(connection.session()
                  .Send(ActionBuilder("DBPut"), ActionKind::kSingle,
                        [&](const absl::StatusOr<ActionReply>& reply) { ended = reply.status(); })
                  .ok());
  ASSERT_TRUE(RunUntil([&] { return !ended.ok(); }));
  EXPECT_EQ(ended.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(ConnectionTest, WriteQueueIsBounded) {
  FakeAsterisk asterisk(io_);
  asterisk.read = false;
  PbxConfig config = Config(asterisk);
  config.max_actions_in_flight = 1'000'000;
  config.write_queue_bytes = 50'000;
  config.times.ping_after = std::chrono::hours(1);
  config.times.action = std::chrono::hours(1);
  Connection connection(io_, config, handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.session().online(); }));
  ActionBuilder action("DBPut");
  action.Header("Val", std::string(900, 'x'));
  absl::Status refused;
  for (int i = 0; i < 100'000 && refused.ok(); ++i) {
    refused = connection.session().Send(action, ActionKind::kSingle, nullptr).status();
    io_.poll();  // what the kernel takes is not in the queue
  }
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_LE(connection.probe().write_queue_bytes.load(), 50'000u);
  EXPECT_TRUE(connection.session().online());
}

TEST_F(ConnectionTest, ManyBytesArriveWhole) {
  FakeAsterisk asterisk(io_);
  Connection connection(io_, Config(asterisk), handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.session().online(); }));
  handler_.events = handler_.bytes = 0;
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += kEvent;
  asterisk.Say(many);
  ASSERT_TRUE(RunUntil([&] { return handler_.events == 100'000; }));
  EXPECT_EQ(handler_.bytes, many.size());
}

TEST_F(ConnectionTest, ANoisyPbxDoesNotStarveAQuietOne) {
  FakeAsterisk noisy_asterisk(io_);
  FakeAsterisk quiet_asterisk(io_);
  RecordingHandler quiet_handler;
  Connection noisy(io_, Config(noisy_asterisk), handler_);
  Connection quiet(io_, Config(quiet_asterisk), quiet_handler);
  ASSERT_TRUE(noisy.Start().ok() && quiet.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return noisy.session().online() && quiet.session().online(); }));
  std::string many;
  for (int i = 0; i < 200'000; ++i) many += kEvent;
  noisy_asterisk.Say(many);
  ASSERT_TRUE(RunUntil([&] { return handler_.events > 1000; }));
  const std::size_t before = quiet_handler.events;
  const std::size_t noisy_reads = handler_.reads;
  quiet_asterisk.Say(kEvent);
  ASSERT_TRUE(RunUntil([&] { return quiet_handler.events > before; }));
  // Both are ready: the quiet one waits for a handful of reads of the other, not for its end.
  EXPECT_LT(handler_.reads - noisy_reads, 20u);
  EXPECT_LT(handler_.events, 200'000u);
}

TEST_F(ConnectionTest, StopIsFinalAndLeavesTheLoopWithoutWork) {
  FakeAsterisk asterisk(io_);
  Connection connection(io_, Config(asterisk), handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.session().online(); }));
  asterisk.Say(kEvent);
  connection.Stop();
  EXPECT_THAT(handler_.heard, ElementsAre("online", "offline: stopped"));
  const std::size_t events = handler_.events;
  asterisk.StopListening();
  io_.restart();
  io_.run();  // returns: nothing is left to do
  EXPECT_EQ(handler_.events, events);
  EXPECT_EQ(handler_.heard.size(), 2u);
}

TEST_F(ConnectionTest, StopWhileConnectingAndInBackoff) {
  FakeAsterisk asterisk(io_);
  Connection connection(io_, Config(asterisk), handler_);
  ASSERT_TRUE(connection.Start().ok());
  connection.Stop();
  PbxConfig waiting_config = Config(std::uint16_t{1});
  waiting_config.times.backoff_first = seconds(100);
  waiting_config.times.backoff_cap = seconds(100);
  Connection waiting(io_, waiting_config, handler_);
  ASSERT_TRUE(waiting.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return waiting.session().state() == SessionState::kBackoff; }));
  waiting.Stop();
  asterisk.StopListening();
  io_.restart();
  io_.run();
  EXPECT_THAT(handler_.heard, IsEmpty());
}

TEST_F(ConnectionTest, StartsAgainAfterStop) {
  FakeAsterisk asterisk(io_);
  Connection connection(io_, Config(asterisk), handler_);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(connection.Start().ok());
    ASSERT_TRUE(RunUntil([&] { return connection.session().online(); }));
    connection.Stop();
  }
  EXPECT_EQ(handler_.heard.size(), 6u);
}

TEST_F(ConnectionTest, StopFromWithinAnEvent) {
  FakeAsterisk asterisk(io_);
  Connection connection(io_, Config(asterisk), handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.session().online(); }));
  handler_.on_event = [&](const Message&) { connection.Stop(); };
  handler_.events = 0;
  asterisk.Say(std::string(kEvent) + std::string(kEvent));
  ASSERT_TRUE(RunUntil([&] { return handler_.events > 0; }));
  asterisk.StopListening();
  io_.restart();
  io_.run();
  EXPECT_EQ(handler_.events, 1u);
}

TEST_F(ConnectionTest, DestroyedInTheMiddle) {
  FakeAsterisk asterisk(io_);
  for (int turns = 0; turns < 30; ++turns) {
    auto connection = std::make_unique<Connection>(io_, Config(asterisk), handler_);
    ASSERT_TRUE(connection->Start().ok());
    io_.restart();
    for (int i = 0; i < turns; ++i) io_.run_one_for(milliseconds(5));
    connection.reset();
    handler_.heard.clear();
    io_.poll();
    EXPECT_THAT(handler_.heard, IsEmpty());
  }
}

TEST_F(ConnectionTest, RunsOnTheThreadOfTheLoop) {
  FakeAsterisk asterisk(io_);
  Connection connection(io_, Config(asterisk), handler_);
  ASSERT_TRUE(connection.Start().ok());
  std::thread::id heard_on;
  handler_.on_online = [&] {
    heard_on = std::this_thread::get_id();
    io_.stop();
  };
  std::thread pipeline([&] { io_.run(); });
  const std::thread::id pipeline_id = pipeline.get_id();
  pipeline.join();
  EXPECT_EQ(heard_on, pipeline_id);
  connection.Stop();
}

struct BadConfig {
  const char* name;
  std::function<void(PbxConfig&)> change;
  const char* error;
};

TEST_F(ConnectionTest, ConfigurationsThatCannotWork) {
  const BadConfig cases[] = {
      {"host", [](PbxConfig& c) { c.host.clear(); }, "no host"},
      {"port", [](PbxConfig& c) { c.port = 0; }, "port 0"},
      {"username", [](PbxConfig& c) { c.username.clear(); }, "no username"},
      {"line feed", [](PbxConfig& c) { c.secret = "a\nb"; }, "header Secret"},
      {"ca_file",
       [](PbxConfig& c) {
         c.tls.enabled = true;
         c.tls.ca_file = "/nonexistent.pem";
       },
       "ca_file \"/nonexistent.pem\""},
  };
  for (const BadConfig& c : cases) {
    PbxConfig config = Config(std::uint16_t{1});
    c.change(config);
    Connection connection(io_, config, handler_);
    const absl::Status status = connection.Start();
    EXPECT_EQ(connection.Check(config), status) << c.name;
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.name;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.error)) << c.name;
    EXPECT_EQ(connection.session().state(), SessionState::kStopped);
  }
}

// ---- TLS ----

class TlsConnectionTest : public ConnectionTest {
 protected:
  // A server whose certificate is for `names`.
  FakeAsterisk& Serve(const std::string& names) {
    const TestCertificate made = MakeCertificate(names);
    ca_file_ = (std::filesystem::path(::testing::TempDir()) /
                ("ami_" + std::to_string(::getpid()) + "_" +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".pem"))
                   .string();
    std::ofstream(ca_file_) << made.certificate;
    tls_.use_certificate(asio::buffer(made.certificate), asio::ssl::context::pem);
    tls_.use_private_key(asio::buffer(made.key), asio::ssl::context::pem);
    asterisk_.emplace(io_, &tls_);
    return *asterisk_;
  }
  void TearDown() override { std::filesystem::remove(ca_file_); }

  PbxConfig TlsPbx() {
    PbxConfig config = Config(*asterisk_);
    config.auth = AuthMethod::kPlain;
    config.tls.enabled = true;
    config.tls.ca_file = ca_file_;
    return config;
  }

  asio::ssl::context tls_{asio::ssl::context::tls_server};
  std::optional<FakeAsterisk> asterisk_;
  std::string ca_file_;
};

TEST_F(TlsConnectionTest, LogsInAndHearsManyEvents) {
  FakeAsterisk& asterisk = Serve("IP:127.0.0.1");
  Connection connection(io_, TlsPbx(), handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.session().online(); }))
      << connection.probe().last_error();
  handler_.events = 0;
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += kEvent;
  asterisk.Say(many);
  ASSERT_TRUE(RunUntil([&] { return handler_.events == 20'000; }));
  asterisk.Hangup();
  ASSERT_TRUE(RunUntil([&] { return !connection.session().online(); }));
  ASSERT_TRUE(RunUntil([&] { return connection.session().online(); }));
}

TEST_F(TlsConnectionTest, RefusesACertificateForAnotherName) {
  Serve("DNS:other.example,IP:127.0.0.2");
  Connection connection(io_, TlsPbx(), handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.probe().connects.value() == 3; }));
  EXPECT_THAT(connection.probe().last_error(), HasSubstr("no TLS"));
  EXPECT_THAT(connection.probe().last_error(), HasSubstr("verify failed"));
  EXPECT_THAT(asterisk_->actions(), IsEmpty());  // the secret has not left
}

TEST_F(TlsConnectionTest, RefusesAnUnknownAuthority) {
  Serve("IP:127.0.0.1");
  PbxConfig config = TlsPbx();
  config.tls.ca_file.clear();
  Connection connection(io_, config, handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.probe().connects.value() == 2; }));
  EXPECT_THAT(connection.probe().last_error(), HasSubstr("verify failed"));
  EXPECT_THAT(asterisk_->actions(), IsEmpty());
}

TEST_F(TlsConnectionTest, WithoutVerificationAnyCertificateWillDo) {
  Serve("DNS:other.example");
  PbxConfig config = TlsPbx();
  config.tls.ca_file.clear();
  config.tls.verify = false;
  Connection connection(io_, config, handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.session().online(); }));
}

TEST_F(TlsConnectionTest, AServerWithoutTls) {
  Serve("IP:127.0.0.1");
  FakeAsterisk plain(io_);
  PbxConfig config = TlsPbx();
  config.port = plain.port();
  Connection connection(io_, config, handler_);
  ASSERT_TRUE(connection.Start().ok());
  ASSERT_TRUE(RunUntil([&] { return connection.probe().connects.value() == 2; }));
  EXPECT_THAT(connection.probe().last_error(), HasSubstr("no TLS"));
}

TEST_F(TlsConnectionTest, DestroyedInTheMiddle) {
  Serve("IP:127.0.0.1");
  for (int turns = 0; turns < 30; ++turns) {
    auto connection = std::make_unique<Connection>(io_, TlsPbx(), handler_);
    ASSERT_TRUE(connection->Start().ok());
    io_.restart();
    for (int i = 0; i < turns; ++i) io_.run_one_for(milliseconds(5));
    connection.reset();
    handler_.heard.clear();
    io_.poll();
    EXPECT_THAT(handler_.heard, IsEmpty());
  }
}

}  // namespace
}  // namespace unipresence::ami
