#include "server/metrics/metrics_server.h"

#include <fmt/format.h>

#include <exception>
#include <sstream>
#include <string>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "prometheus/text_serializer.h"

namespace unipresence {
namespace {

// Those who asked and went away count as well.
constexpr std::size_t kMaxScrapers = 256;
constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";

HttpAnswer Collected(const prometheus::Collectable& collector) {
  try {
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, collector.Collect());
    return {.type = kMetricsType, .body = text.str()};
  } catch (const std::exception& exception) {
    return {.status = 500,
            .body = fmt::format("cannot collect the metrics: {}\n", exception.what())};
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(
    const HttpListener::Options& options, const prometheus::Collectable& collector,
    const Readiness& readiness) {
  std::unique_ptr<MetricsServer> server(new MetricsServer(collector, readiness));
  UNIPRESENCE_ASSIGN_OR_RETURN(
      server->listener_,
      HttpListener::Start(
          options, [&server = *server](const HttpRequest& request, HttpListener::Answer answer) {
            server.Handle(request, std::move(answer));
          }));
  return server;
}

MetricsServer::~MetricsServer() {
  // Nobody asks any more, then nobody is answered any more: no answer outlives the listener.
  if (listener_ != nullptr) listener_->Stop();
  thread_.Stop();
}

void MetricsServer::Handle(const HttpRequest& request, HttpListener::Answer answer) {
  const std::string_view path = request.path;
  if (path != "/metrics" && path != "/livez" && path != "/readyz") {
    return std::move(answer)(
        {.status = 404, .body = "not found; there are /metrics, /livez and /readyz\n"});
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return std::move(answer)({.status = 405, .body = "only GET and HEAD\n", .allow = "GET, HEAD"});
  }
  if (path == "/metrics") return Scrape(std::move(answer));
  std::move(answer)(path == "/livez" ? HttpAnswer{.body = "ok\n"} : Ready());
}

HttpAnswer MetricsServer::Ready() const {
  std::string reasons;
  for (const std::string& reason : readiness_.Reasons()) reasons += reason + '\n';
  if (reasons.empty()) return {.body = "ok\n"};
  return {.status = 503, .body = std::move(reasons)};
}

void MetricsServer::Scrape(HttpListener::Answer answer) {
  {
    MutexLock lock(mutex_);
    if (scrapers_.size() < kMaxScrapers) {
      scrapers_.push_back(std::exchange(answer, nullptr));
      // One collection serves all who wait for it.
      if (scrapers_.size() == 1) thread_.Post([this] { Collect(); });
      return;
    }
  }
  std::move(answer)({.status = 503, .body = "too many ask for the metrics; try again\n"});
}

void MetricsServer::Collect() {
  std::vector<HttpListener::Answer> scrapers;
  {
    MutexLock lock(mutex_);
    scrapers.swap(scrapers_);
  }
  const HttpAnswer collected = Collected(collector_);
  for (HttpListener::Answer& answer : scrapers) std::move(answer)(collected);
}

}  // namespace unipresence
