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
// No authentication and no TLS: keep it on loopback or behind a proxy. prometheus-cpp's own exposer
// can serve nothing but metrics, so this one speaks to CivetWeb directly.

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "aggregator/base/probe.h"
#include "prometheus/collectable.h"
#include "server/metrics/readiness.h"

struct mg_context;
struct mg_connection;

namespace unipresence {

class MetricsServer {
 public:
  struct Options {
    // host:port with a numeric host, [host]:port for IPv6; port 0 = any free one.
    std::string listen;
    int threads = 4;  // connections served at once; an idle one is closed after 5 s
  };

  // Listens and serves from then on, on threads of its own. `collector` and `readiness` must
  // outlive the server. UNAVAILABLE names the address that cannot be listened on, and why;
  // INVALID_ARGUMENT one that is none.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(
      const Options& options, const prometheus::Collectable& collector, const Readiness& readiness);

  // Stops listening and waits for requests in progress.
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  // The port that is listened on, also when 0 was asked for.
  std::uint16_t port() const { return port_; }

 private:
  MetricsServer(const prometheus::Collectable& collector, const Readiness& readiness)
      : collector_(collector), readiness_(readiness) {}

  // CivetWeb's handler; `server` is a MetricsServer.
  static int Handle(mg_connection* connection, void* server);
  int Answer(mg_connection* connection);

  const prometheus::Collectable& collector_;
  const Readiness& readiness_;
  mg_context* context_ = nullptr;
  std::uint16_t port_ = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_METRICS_METRICS_SERVER_H_
