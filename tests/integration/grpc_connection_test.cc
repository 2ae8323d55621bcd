// Connections that misbehave: clients that vanish, bytes that are no HTTP/2, a server that stops
// while calls are made.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "tests/integration/grpc_test_server.h"
#include "tests/testing/cutting_proxy.h"

namespace unipresence::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPatience(120);

// A client whose connection goes through a proxy.
std::shared_ptr<grpc::Channel> ChannelTo(const CuttingProxy& proxy) {
  const std::string address = proxy.endpoint().substr(std::string("tcp://").size());
  return grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
}

TEST(GrpcConnectionTest, AClientThatVanishedIsNoticed) {
  GrpcTestServer::Options options;
  options.grpc.keepalive_time = milliseconds(500);
  options.grpc.keepalive_timeout = seconds(4);  // longer than this process may be held up
  GrpcTestServer server(options);
  server.AddUsers();
  CuttingProxy proxy("tcp://" + server.address());
  const GrpcTestClient client = GrpcTestClient::LogIn(server, "alice");
  const auto channel = ChannelTo(proxy);

  const auto presence = v1::PresenceService::NewStub(channel);
  const auto watch_context = client.Context();
  const auto watch = presence->WatchPresences(watch_context.get(), {});
  v1::WatchPresencesResponse response;
  do {
    ASSERT_TRUE(watch->Read(&response));
  } while (response.event() != v1::WATCH_EVENT_CURRENT);
  const auto sessions = v1::SessionService::NewStub(channel);
  const auto hold_context = client.Context();
  const auto hold = sessions->HoldSession(hold_context.get());
  v1::HoldSessionResponse held;
  ASSERT_TRUE(hold->Write({}));
  ASSERT_TRUE(hold->Read(&held));
  EXPECT_EQ(server.probe().streams.watch_streams.value(), 1);
  EXPECT_EQ(server.probe().streams.hold_streams.value(), 1);

  proxy.SetStalled(true);
  const auto start = std::chrono::steady_clock::now();
  while (server.probe().streams.watch_streams.value() +
             server.probe().streams.hold_streams.value() >
         0) {
    ASSERT_LT(std::chrono::steady_clock::now() - start, kPatience);
    std::this_thread::yield();
  }
  std::printf("noticed after %lld ms\n",
              static_cast<long long>(
                  std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start)
                      .count()));
  // Nothing holds the session any more, or will in a moment: it has one time-to-live left from then
  // on.
  for (bool logged_in = true; logged_in;) {
    ASSERT_LT(std::chrono::steady_clock::now() - start, kPatience);
    server.clock().Advance(seconds(21));
    server.Expire();
    const GrpcTestClient root = GrpcTestClient::LogIn(server, "root");
    logged_in = root.GetPresence("alice").second.logged_in();
  }
  proxy.SetStalled(false);
  watch_context->TryCancel();
  hold_context->TryCancel();
  EXPECT_FALSE(watch->Finish().ok());
  EXPECT_FALSE(hold->Finish().ok());
}

TEST(GrpcConnectionTest, ALiveClientIsNotTakenForAVanishedOne) {
  GrpcTestServer::Options options;
  options.grpc.keepalive_time = milliseconds(100);
  options.grpc.keepalive_timeout = seconds(4);  // longer than this process may be held up
  GrpcTestServer server(options);
  server.AddUsers();
  GrpcTestWatch watch(GrpcTestClient::LogIn(server, "alice"));
  ASSERT_TRUE(watch.ReadUntilCurrent());
  // A quiet stream over many pings, and then news.
  std::this_thread::sleep_for(seconds(5));
  server.Change("PJSIP/bob", DeviceState::kInUse);
  EXPECT_TRUE(watch.ReadUntil("bob", v1::PRESENCE_STATE_IN_USE));
}

TEST(GrpcConnectionTest, BytesThatAreNoHttpHurtNobody) {
  GrpcTestServer server;
  server.AddUsers();
  GrpcTestWatch watch(GrpcTestClient::LogIn(server, "alice"));
  ASSERT_TRUE(watch.ReadUntilCurrent());
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(server.server().ports().front()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    std::string bytes = i % 2 == 0 ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" : "";
    for (std::uint64_t n = random() % 2000; n > 0; --n) bytes += static_cast<char>(random());
    EXPECT_GE(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
    ::close(fd);
  }
  server.Change("PJSIP/bob", DeviceState::kInUse);
  EXPECT_TRUE(watch.ReadUntil("bob", v1::PRESENCE_STATE_IN_USE));
}

TEST(GrpcConnectionTest, NoCallHangsWhileTheServerStops) {
  for (int round = 0; round < 5; ++round) {
    GrpcTestServer server;
    server.AddUsers();
    const GrpcTestClient client = GrpcTestClient::LogIn(server, "alice");
    std::atomic<int> answered{0};
    std::vector<std::thread> callers;
    for (int i = 0; i < 4; ++i) {
      callers.emplace_back([&] {
        while (true) {
          GrpcTestClient other(server);
          const grpc::Status status = client.SelectDevice(v1::LINE_KIND_DESKPHONE).first;
          other.CreateSession("bob", GrpcTestServer::kPassword);
          client.GetPresence();
          ++answered;
          if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return;
        }
      });
    }
    while (answered < 20) std::this_thread::yield();
    server.Stop();
    for (std::thread& caller : callers) caller.join();
  }
}

}  // namespace
}  // namespace unipresence::testing
