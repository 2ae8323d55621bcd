#include "server/metrics/metrics_server.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstring>
#include <exception>
#include <mutex>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>

#include "prometheus/text_serializer.h"

namespace unipresence {
namespace {

constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";
constexpr char kTextType[] = "text/plain; charset=utf-8";

// CivetWeb takes a list of ports with suffixes ("80,443s"): only one plain address may pass.
absl::Status CheckListen(std::string_view listen) {
  const std::size_t colon = listen.rfind(':');
  int port = -1;
  if (colon != std::string_view::npos) {
    const char* end = listen.data() + listen.size();
    const auto [stop, error] = std::from_chars(listen.data() + colon + 1, end, port);
    if (error != std::errc() || stop != end) port = -1;
  }
  const bool plain = listen.find_first_of(", \t+") == std::string_view::npos;
  if (colon == 0 || port < 0 || port > 65535 || !plain) {
    return absl::InvalidArgumentError(
        fmt::format("metrics.listen '{}': write address:port such as 127.0.0.1:9464", listen));
  }
  return absl::OkStatus();
}

int Send(mg_connection* connection, int code, const char* reason, const char* type,
         std::string_view body) {
  const bool head = std::strcmp(mg_get_request_info(connection)->request_method, "HEAD") == 0;
  const std::string header = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "Connection: close\r\n{}\r\n",
      code, reason, type, body.size(), code == 405 ? "Allow: GET, HEAD\r\n" : "");
  mg_write(connection, header.data(), header.size());
  if (!head) mg_write(connection, body.data(), body.size());
  return code;
}

// Connects to the own port and leaves. An address without loopback does not answer; that costs 2 s.
void Knock(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  (void)::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  ::close(descriptor);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(
    const Options& options, const prometheus::Collectable& collector, const Readiness& readiness) {
  if (absl::Status status = CheckListen(options.listen); !status.ok()) return status;
  static std::once_flag initialized;
  std::call_once(initialized, [] { mg_init_library(0); });

  std::unique_ptr<MetricsServer> server(new MetricsServer(collector, readiness));
  const std::string threads = fmt::format("{}", options.threads);
  // No document root: nothing of the file system is served. Short limits, so that idle or slow
  // strangers cannot hold the few threads.
  const std::array<const char*, 13> settings = {"listening_ports",
                                                options.listen.c_str(),
                                                "num_threads",
                                                threads.c_str(),
                                                "request_timeout_ms",
                                                "5000",
                                                "enable_keep_alive",
                                                "no",
                                                "max_request_size",
                                                "8192",
                                                "tcp_nodelay",
                                                "1",
                                                nullptr};
  mg_callbacks callbacks{};
  callbacks.log_message = [](const mg_connection*, const char*) { return 1; };  // not to stderr
  mg_init_data init{};
  init.callbacks = &callbacks;
  init.user_data = server.get();
  // It only reads them.
  init.configuration_options = const_cast<const char**>(settings.data());
  std::array<char, 256> text{};
  unsigned code = 0;
  mg_error_data error{};
  error.code = &code;
  error.text = text.data();
  error.text_buffer_size = text.size();
  server->context_ = mg_start2(&init, &error);
  if (server->context_ == nullptr) {
    return absl::UnavailableError(
        fmt::format("metrics.listen '{}': cannot listen there: {}; is another server using it?",
                    options.listen, text.data()));
  }
  mg_set_request_handler(server->context_, "/", &MetricsServer::Handle, server.get());
  mg_server_port port{};
  if (mg_get_server_ports(server->context_, 1, &port) == 1) {
    server->port_ = static_cast<std::uint16_t>(port.port);
  }
  return server;
}

MetricsServer::~MetricsServer() {
  if (context_ == nullptr) return;
  // CivetWeb looks at its stop flag only when a connection comes, or every 2 s: connections hurry
  // it.
  std::atomic<bool> stopped = false;
  std::thread hurry([&] {
    while (!stopped) {
      Knock(port_);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  mg_stop(context_);
  stopped = true;
  hurry.join();
}

int MetricsServer::Handle(mg_connection* connection, void* server) {
  return static_cast<MetricsServer*>(server)->Answer(connection);
}

int MetricsServer::Answer(mg_connection* connection) {
  const mg_request_info* request = mg_get_request_info(connection);
  const std::string_view method(request->request_method);
  const std::string_view path(request->local_uri != nullptr ? request->local_uri : "");
  const bool is_known = path == "/metrics" || path == "/livez" || path == "/readyz";
  if (!is_known) {
    return Send(connection, 404, "Not Found", kTextType,
                "not found; there are /metrics, /livez and /readyz\n");
  }
  if (method != "GET" && method != "HEAD") {
    return Send(connection, 405, "Method Not Allowed", kTextType, "only GET and HEAD\n");
  }
  if (path == "/livez") return Send(connection, 200, "OK", kTextType, "ok\n");
  if (path == "/readyz") {
    std::string reasons;
    for (const std::string& reason : readiness_.Reasons()) reasons += reason + '\n';
    if (reasons.empty()) return Send(connection, 200, "OK", kTextType, "ok\n");
    return Send(connection, 503, "Service Unavailable", kTextType, reasons);
  }
  try {
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, collector_.Collect());
    return Send(connection, 200, "OK", kMetricsType, text.str());
  } catch (const std::exception& exception) {
    return Send(connection, 500, "Internal Server Error", kTextType,
                fmt::format("cannot collect the metrics: {}\n", exception.what()));
  }
}

}  // namespace unipresence
