#include "server/metrics/metrics_server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "server/metrics/probe_collector.h"
#include "tests/testing/http_get.h"

namespace unipresence {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using testing::Exchange;
using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::HttpGet;
using testing::HttpRequest;
using testing::ParseHttp;

class MetricsServerTest : public ::testing::Test {
 protected:
  MetricsServerTest() {
    collector_.AddCounter("unipresence_test_total", "Test.", {}, counter_);
    auto server = MetricsServer::Start({.listen = "127.0.0.1:0"}, collector_, readiness_);
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  SharedCounter counter_;
  ProbeCollector collector_;
  Readiness readiness_;
  std::unique_ptr<MetricsServer> server_;
};

TEST_F(MetricsServerTest, ServesTheMetrics) {
  ASSERT_NE(server_->port(), 0);
  counter_.Add(7);
  const HttpAnswer answer = HttpGet(server_->port(), "/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.header, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(answer.header, HasSubstr(fmt::format("Content-Length: {}", answer.body.size())));
  EXPECT_THAT(answer.body, HasSubstr("unipresence_test_total 7\n"));
  EXPECT_EQ(HttpGet(server_->port(), "/metrics?name=x").status, 200);
}

TEST_F(MetricsServerTest, IsAliveAlwaysAndReadyWhenNobodyIsNot) {
  EXPECT_EQ(HttpGet(server_->port(), "/livez").status, 200);
  EXPECT_EQ(HttpGet(server_->port(), "/readyz").body, "ok\n");
  readiness_.NotReady("pbx main", "connecting to 127.0.0.1:5038");
  readiness_.NotReady("store", "disk full");
  const HttpAnswer answer = HttpGet(server_->port(), "/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "pbx main: connecting to 127.0.0.1:5038\nstore: disk full\n");
  EXPECT_EQ(HttpGet(server_->port(), "/livez").status, 200);
  readiness_.Ready("pbx main");
  readiness_.Ready("store");
  EXPECT_EQ(HttpGet(server_->port(), "/readyz").status, 200);
}

TEST_F(MetricsServerTest, ServesNothingElse) {
  for (const char* path : {"/", "/metrics/x", "/metricsx", "/livez/", "/etc/passwd",
                           "/../../../../etc/passwd", "/metrics/../../etc/passwd", "/%2e%2e/etc"}) {
    const HttpAnswer answer = HttpGet(server_->port(), path);
    EXPECT_THAT(answer.status, AnyOf(404, 400)) << path;
    EXPECT_THAT(answer.body, ::testing::Not(HasSubstr("root:"))) << path;
  }
}

TEST_F(MetricsServerTest, AnswersGetAndHeadOnly) {
  const HttpAnswer head = HttpRequest(server_->port(), "HEAD", "/metrics");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_THAT(head.header, ::testing::Not(HasSubstr("Content-Length: 0")));
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    const HttpAnswer answer = HttpRequest(server_->port(), method, "/metrics");
    EXPECT_THAT(answer.status, AnyOf(405, 411)) << method;
  }
}

TEST_F(MetricsServerTest, GarbageDoesNotDisturbIt) {
  for (const std::string& bytes :
       {std::string("\r\n\r\n"), std::string("GET\r\n\r\n"), std::string(100, '\0') + "\r\n\r\n",
        "GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n",
        std::string("GET /metrics HTTP/9.9\r\n\r\n"), std::string("\x16\x03\x01\x02\r\n\r\n")}) {
    const HttpAnswer answer = ParseHttp(Exchange(server_->port(), bytes));
    EXPECT_NE(answer.status, 200) << bytes.substr(0, 40);
  }
  EXPECT_EQ(HttpGet(server_->port(), "/metrics").status, 200);
}

TEST_F(MetricsServerTest, ManyScrapersAtOnce) {
  std::atomic<int> served = 0;
  std::vector<std::thread> scrapers;
  for (int t = 0; t < 8; ++t) {
    scrapers.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        if (HttpGet(server_->port(), "/metrics").status == 200) ++served;
      }
    });
  }
  for (std::thread& scraper : scrapers) scraper.join();
  EXPECT_EQ(served, 160);
}

// Collects when it is told to, and counts how often.
class SlowCollectable final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    ++collections;
    begun.release();
    go.acquire();
    return {};
  }

  mutable std::atomic<int> collections = 0;
  mutable std::counting_semaphore<> begun{0};
  mutable std::counting_semaphore<> go{0};
};

TEST_F(MetricsServerTest, NobodyWaitsForACollectionButWhoWantsIt) {
  const SlowCollectable slow;
  auto server = MetricsServer::Start(
      {.listen = "127.0.0.1:0", .answer_limit = std::chrono::hours(1)}, slow, readiness_);
  ASSERT_TRUE(server.ok()) << server.status();
  const std::uint16_t port = (*server)->port();
  std::atomic<int> served = 0;
  std::vector<std::thread> scrapers;
  const auto scrape = [&] {
    if (HttpGet(port, "/metrics").status == 200) ++served;
  };
  scrapers.emplace_back(scrape);
  slow.begun.acquire();
  for (int i = 0; i < 8; ++i) scrapers.emplace_back(scrape);
  EXPECT_EQ(HttpGet(port, "/livez").status, 200);
  EXPECT_EQ(HttpGet(port, "/readyz").status, 200);
  // Those who came meanwhile: 8 scrapers and two more requests, and the first.
  while ((*server)->probe().requests.value() < 11) std::this_thread::yield();
  // Requests are handled in their order: all scrapers wait by now.
  EXPECT_EQ(HttpGet(port, "/livez").status, 200);
  EXPECT_EQ(served, 0);
  slow.go.release(2);  // one more collection for all the others
  for (std::thread& scraper : scrapers) scraper.join();
  EXPECT_EQ(served, 9);
  EXPECT_EQ(slow.collections, 2);
}

TEST_F(MetricsServerTest, APortInUseIsUnavailableAndNamed) {
  const std::string listen = fmt::format("127.0.0.1:{}", server_->port());
  const auto second = MetricsServer::Start({.listen = listen}, collector_, readiness_);
  EXPECT_TRUE(absl::IsUnavailable(second.status())) << second.status();
  EXPECT_THAT(second.status().ToString(), HasSubstr(listen));
}

TEST_F(MetricsServerTest, WhatIsNoAddressIsInvalid) {
  for (const char* listen : {"", "127.0.0.1", ":9464", "127.0.0.1:x", "127.0.0.1:70000",
                             "127.0.0.1:0,127.0.0.1:0", "127.0.0.1:0s", "127.0.0.1:0 "}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        MetricsServer::Start({.listen = listen}, collector_, readiness_).status()))
        << listen;
  }
  EXPECT_FALSE(MetricsServer::Start({.listen = "192.0.2.1:0"}, collector_, readiness_).ok());
}

TEST_F(MetricsServerTest, ListensAgainAfterItsEnd) {
  const std::string listen = fmt::format("127.0.0.1:{}", server_->port());
  EXPECT_EQ(HttpGet(server_->port(), "/livez").status, 200);
  server_.reset();
  const auto again = MetricsServer::Start({.listen = listen}, collector_, readiness_);
  EXPECT_TRUE(again.ok()) << again.status();
}

}  // namespace
}  // namespace unipresence
