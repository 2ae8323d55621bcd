#ifndef UNIPRESENCE_SERVER_METRICS_METRICS_SERVER_H_
#define UNIPRESENCE_SERVER_METRICS_METRICS_SERVER_H_

// HTTP for machines that watch the server:
//   GET /metrics   the collector's metrics in Prometheus' text format
//   GET /livez     200 "ok" as long as the process answers
//   GET /readyz    200 "ok", or 503 with one reason a line
// Anything else is 404, another method than GET or HEAD 405.
//
//   ProbeCollector collector;
//   Readiness readiness;
//   UNIPRESENCE_ASSIGN_OR_RETURN(
//       auto server, MetricsServer::Start({.listen = "127.0.0.1:0"}, collector, readiness));
//   server->port();
//
// Metrics are collected on a thread of their own, once for all who asked meanwhile: /livez and
// /readyz never wait for that. No authentication and no TLS: keep it on loopback or behind a proxy.

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/base/mutex.h"
#include "aggregator/base/task_thread.h"
#include "prometheus/collectable.h"
#include "server/metrics/http_listener.h"
#include "server/metrics/readiness.h"

namespace unipresence {

class MetricsServer {
 public:
  // Listens and serves from then on. `collector` and `readiness` must outlive the server. Errors as
  // of HttpListener::Start.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(
      const HttpListener::Options& options, const prometheus::Collectable& collector,
      const Readiness& readiness);

  // Stops listening and waits for the collection in progress.
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  // The port that is listened on, also when 0 was asked for.
  std::uint16_t port() const { return listener_->port(); }

  // Any thread.
  const HttpProbe& probe() const { return listener_->probe(); }

 private:
  MetricsServer(const prometheus::Collectable& collector, const Readiness& readiness)
      : collector_(collector), readiness_(readiness) {}

  void Handle(const HttpRequest& request, HttpListener::Answer answer);
  HttpAnswer Ready() const;
  void Scrape(HttpListener::Answer answer) ABSL_LOCKS_EXCLUDED(mutex_);
  void Collect() ABSL_LOCKS_EXCLUDED(mutex_);

  const prometheus::Collectable& collector_;
  const Readiness& readiness_;
  std::unique_ptr<HttpListener> listener_;
  Mutex mutex_;
  // Who waits for the next collection, at most kMaxScrapers.
  std::vector<HttpListener::Answer> scrapers_ ABSL_GUARDED_BY(mutex_);
  TaskThread thread_{"scrape"};
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_METRICS_METRICS_SERVER_H_
