#ifndef UNIPRESENCE_SERVER_METRICS_HTTP_LISTENER_H_
#define UNIPRESENCE_SERVER_METRICS_HTTP_LISTENER_H_

// A listening HTTP/1.1 server for a few short pages, on a thread of its own, that stays well among
// strangers: a connection carries one request of at most 8 KiB, and has a time limit for sending it
// and again for its answer. When there are too many, one makes room for the newest: the oldest that
// is answered, else that has not asked yet, else that waits. So connections that say nothing, or
// say it slowly, hold up nobody, however many they are.
// When the process has no descriptor left, one that is kept in reserve serves one connection.
//
//   auto listener = HttpListener::Start({.listen = "127.0.0.1:0"},
//       [](const HttpRequest& request, HttpListener::Answer answer) {
//         std::move(answer)({.body = "hello\n"});
//       });

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "server/metrics/http_probe.h"

namespace unipresence {

struct HttpRequest {
  std::string_view method;  // "GET", as it was sent
  std::string_view path;    // of the target, without its query; not decoded
};

struct HttpAnswer {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;   // not sent to HEAD
  std::string allow;  // of 405: "GET, HEAD"
};

class HttpListener {
 public:
  struct Options {
    // host:port, or [address]:port for IPv6; port 0 = any free one. Of a name with several
    // addresses the first that can be listened on.
    std::string listen;
    std::size_t max_connections = 256;
    // From the connection to the whole request.
    std::chrono::milliseconds request_limit{5000};
    // From then until the answer is made and read.
    std::chrono::milliseconds answer_limit{5000};
  };

  // To be called once, on any thread, within the answer's limit; later, or if the connection is
  // gone, it does nothing. If it is dropped the connection ends with that limit. None may outlive
  // the listener.
  using Answer = absl::AnyInvocable<void(HttpAnswer) &&>;
  // Called on the listener's thread for each request that can be read; it must not block.
  using Handler = std::function<void(const HttpRequest&, Answer)>;

  // Listens and serves from then on. UNAVAILABLE names the address that cannot be listened on, and
  // why; INVALID_ARGUMENT one that is none.
  static absl::StatusOr<std::unique_ptr<HttpListener>> Start(const Options& options,
                                                             Handler handler);

  // Stops.
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  // Closes all connections and listens no more; the handler is not called again. Answers may still
  // be called, and do nothing.
  void Stop();

  // The port that is listened on, also when 0 was asked for.
  std::uint16_t port() const;

  // Any thread.
  const HttpProbe& probe() const;

 private:
  class Loop;
  explicit HttpListener(std::unique_ptr<Loop> loop);

  std::unique_ptr<Loop> loop_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_METRICS_HTTP_LISTENER_H_
