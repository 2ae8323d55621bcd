#include "server/metrics/http_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <mutex>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/testing/http_get.h"

namespace unipresence {
namespace {

using testing::Exchange;
using ::testing::HasSubstr;
using testing::HttpGet;
using testing::ParseHttp;
using testing::Peer;

// Answers with the path, but keeps the answers to "/later".
class HttpListenerTest : public ::testing::Test {
 protected:
  void Start(HttpListener::Options options) {
    auto listener = HttpListener::Start(
        options, [this](const HttpRequest& request, HttpListener::Answer answer) {
          if (request.path == "/later") return Keep(std::move(answer));
          std::move(answer)({.body = std::string(request.path)});
        });
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }
  std::uint16_t port() const { return listener_->port(); }

  // The answer to "/later", when it was asked for.
  HttpListener::Answer TakeLater() {
    asked_.acquire();
    const std::lock_guard lock(mutex_);
    return std::exchange(later_, nullptr);
  }

  std::unique_ptr<HttpListener> listener_;

 private:
  void Keep(HttpListener::Answer answer) {
    {
      const std::lock_guard lock(mutex_);
      later_ = std::move(answer);
    }
    asked_.release();
  }

  std::mutex mutex_;
  HttpListener::Answer later_;
  std::counting_semaphore<> asked_{0};
};

TEST_F(HttpListenerTest, ConnectionsThatSayNothingMakeRoom) {
  // Only room makes them go: the time limit is far away.
  Start({.listen = "127.0.0.1:0", .max_connections = 10, .request_limit = std::chrono::hours(1)});
  std::vector<Peer> silent;
  for (int i = 0; i < 300; ++i) {
    Peer& peer = silent.emplace_back(port());
    ASSERT_TRUE(peer.connected());
    if (i % 2 == 0) peer.Send("GET /");
  }
  EXPECT_EQ(HttpGet(port(), "/livez").body, "/livez");
  // 301 came, and 10 can be open; the newest is gone by itself, or is one of them.
  EXPECT_EQ(listener_->probe().displaced.value(), 291U);
  EXPECT_EQ(silent.front().ReadToEnd(), "");
}

TEST_F(HttpListenerTest, WhoIsSlowIsClosed) {
  Start({.listen = "127.0.0.1:0", .request_limit = std::chrono::milliseconds(20)});
  EXPECT_EQ(Exchange(port(), "GET /slow HTTP/1.1\r\n"), "");
  EXPECT_EQ(Exchange(port(), ""), "");
  EXPECT_EQ(listener_->probe().timed_out.value(), 2U);
  EXPECT_EQ(listener_->probe().requests.value(), 0U);
}

TEST_F(HttpListenerTest, AnAnswerMayComeLaterFromAnotherThread) {
  Start({.listen = "127.0.0.1:0"});
  std::thread answering([this] { TakeLater()({.status = 503, .body = "not yet"}); });
  const testing::HttpAnswer answer = HttpGet(port(), "/later?or=never");
  answering.join();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "not yet");
}

TEST_F(HttpListenerTest, AnAnswerThatIsDroppedOrTooLateEndsWithItsLimit) {
  Start({.listen = "127.0.0.1:0",
         .request_limit = std::chrono::hours(1),
         .answer_limit = std::chrono::milliseconds(20)});
  EXPECT_EQ(HttpGet(port(), "/later").status, 0);
  TakeLater()({.body = "too late"});
  EXPECT_EQ(HttpGet(port(), "/later").status, 0);
  TakeLater();  // drops it
  EXPECT_EQ(HttpGet(port(), "/later").status, 0);
  TakeLater();
  EXPECT_EQ(listener_->probe().timed_out.value(), 3U);
}

TEST_F(HttpListenerTest, WhoWaitsForAnAnswerIsTheLastToMakeRoom) {
  Start({.listen = "127.0.0.1:0",
         .max_connections = 10,
         .request_limit = std::chrono::hours(1),
         .answer_limit = std::chrono::hours(1)});
  Peer waiting(port());
  waiting.Send("GET /later HTTP/1.1\r\n\r\n");
  HttpListener::Answer answer = TakeLater();
  std::vector<Peer> silent;
  for (int i = 0; i < 50; ++i) silent.emplace_back(port());
  EXPECT_EQ(HttpGet(port(), "/livez").body, "/livez");
  EXPECT_EQ(listener_->probe().displaced.value(), 42U);
  std::move(answer)({.body = "at last"});
  EXPECT_EQ(ParseHttp(waiting.ReadToEnd()).body, "at last");
}

TEST_F(HttpListenerTest, AnAnswerAfterTheStopDoesNothing) {
  Start({.listen = "127.0.0.1:0"});
  Peer asking(port());
  asking.Send("GET /later HTTP/1.1\r\n\r\n");
  HttpListener::Answer answer = TakeLater();
  listener_->Stop();
  std::move(answer)({.body = "nobody reads this"});
  answer = nullptr;
  listener_.reset();
  EXPECT_EQ(asking.ReadToEnd(), "");
}

TEST_F(HttpListenerTest, WhatIsNoRequestIsTold) {
  Start({.listen = "127.0.0.1:0"});
  for (const std::string& bytes :
       {std::string("GET\r\n\r\n"), std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string(100, '\0') + "\r\n\r\n", std::string("\x16\x03\x01\x02\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nno header\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n")}) {
    EXPECT_EQ(ParseHttp(Exchange(port(), bytes)).status, 400) << bytes.substr(0, 40);
  }
  EXPECT_EQ(listener_->probe().malformed.value(), 6U);
  // The answer arrives although not all of the request was read.
  for (const std::string& bytes :
       {"GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n"}) {
    EXPECT_EQ(ParseHttp(Exchange(port(), bytes)).status, 431);
  }
  EXPECT_EQ(listener_->probe().malformed.value(), 8U);
  EXPECT_EQ(listener_->probe().requests.value(), 0U);
}

TEST_F(HttpListenerTest, ABodyThatNobodyWantsDoesNotCostTheAnswer) {
  Start({.listen = "127.0.0.1:0"});
  const std::string body(50'000, 'b');
  EXPECT_EQ(
      ParseHttp(Exchange(port(), "POST /form HTTP/1.1\r\nContent-Length: 50000\r\n\r\n" + body))
          .body,
      "/form");
}

TEST_F(HttpListenerTest, ServesOldClientsNamesAndIpv6) {
  Start({.listen = "127.0.0.1:0"});
  EXPECT_EQ(ParseHttp(Exchange(port(), "GET /old HTTP/1.0\r\n\r\n")).body, "/old");
  EXPECT_TRUE(HttpListener::Start({.listen = "localhost:0"}, [](const HttpRequest&, auto) {}).ok());
  auto six = HttpListener::Start({.listen = "[::1]:0"}, [](const HttpRequest&, auto) {});
  if (absl::IsUnavailable(six.status())) GTEST_SKIP() << "no IPv6 here: " << six.status();
  EXPECT_NE((*six)->port(), 0);
  for (const char* no_address :
       {"::1:0", "[127.0.0.1]:0", "[::1]", "[]:0", ":0", "no.such.invalid:0"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        HttpListener::Start({.listen = no_address}, [](const HttpRequest&, auto) {}).status()))
        << no_address;
  }
}

// All descriptors of this process but those open now, until the end of this object.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = 200;
    setrlimit(RLIMIT_NOFILE, &few);
    for (int descriptor = 0; (descriptor = ::dup(STDERR_FILENO)) >= 0;)
      taken_.push_back(descriptor);
  }
  ~NoDescriptors() {
    for (const int descriptor : taken_) ::close(descriptor);
    setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

TEST_F(HttpListenerTest, OneInReserveServesWhenThereIsNoDescriptor) {
  Start({.listen = "127.0.0.1:0", .request_limit = std::chrono::hours(1)});
  // What sanitizers look at once they look at now: they need descriptors for it.
  EXPECT_EQ(HttpGet(port(), "/livez").body, "/livez");
  std::vector<Peer> peers(4);  // with a descriptor each, and not connected
  {
    const NoDescriptors none;
    ASSERT_TRUE(peers[0].Connect(port()));  // it says nothing, and has the reserve
    for (std::size_t i = 1; i < 4; ++i) {
      ASSERT_TRUE(peers[i].Connect(port()));
      peers[i].Send("GET /livez HTTP/1.1\r\n\r\n");
      EXPECT_EQ(ParseHttp(peers[i].ReadToEnd()).body, "/livez");
    }
    EXPECT_GT(listener_->probe().accept_failures.value(), 0U);
  }
  EXPECT_EQ(HttpGet(port(), "/well").body, "/well");
}

}  // namespace
}  // namespace unipresence
