#include "server/metrics/http_listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

// Beast 1.74 uses std::exchange without it.
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <array>
#include <charconv>
#include <iterator>
#include <list>
#include <optional>
#include <thread>

namespace unipresence {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint32_t kMaxHeaderBytes = 8 << 10;
// What is read of a client after its answer, so that the answer is not lost by closing on unread
// bytes (RFC 9112, 9.6), and for how long.
constexpr std::size_t kMaxDrainBytes = 64 << 10;
constexpr std::chrono::milliseconds kDrainTime{500};
// Until accepting is tried again when there is no descriptor and nothing to close.
constexpr std::chrono::milliseconds kAcceptPause{50};

// The first address of the name, if it is one.
std::optional<tcp::endpoint> Resolve(asio::io_context& io, std::string_view listen) {
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = listen.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool is_v6 = host.find(':') != std::string_view::npos;
  std::uint16_t port = 0;
  const char* const end = listen.data() + listen.size();
  const auto [stop, bad_port] = std::from_chars(listen.data() + colon + 1, end, port);
  if (bad_port != std::errc() || stop != end || host.empty() || is_v6 != bracketed) {
    return std::nullopt;
  }
  error_code error;
  const auto found =
      tcp::resolver(io).resolve(host, std::to_string(port), tcp::resolver::passive, error);
  if (error || found.empty()) return std::nullopt;
  return found.begin()->endpoint();
}

}  // namespace

class HttpListener::Loop {
 public:
  Loop(const Options& options, Handler handler) : options_(options), handler_(std::move(handler)) {}

  ~Loop() {
    Stop();
    if (reserve_ >= 0) ::close(reserve_);
  }

  absl::Status Start() {
    const std::optional<tcp::endpoint> endpoint = Resolve(io_, options_.listen);
    if (!endpoint) {
      return absl::InvalidArgumentError(fmt::format(
          "metrics.listen '{}': write address:port such as 127.0.0.1:9464 or [::1]:9464",
          options_.listen));
    }
    try {
      acceptor_.open(endpoint->protocol());
      acceptor_.set_option(tcp::acceptor::reuse_address(true));
      acceptor_.bind(*endpoint);
      acceptor_.listen();
      acceptor_.non_blocking(true);
      port_ = acceptor_.local_endpoint().port();
    } catch (const boost::system::system_error& error) {
      return absl::UnavailableError(fmt::format("metrics.listen '{}': cannot listen there: {}",
                                                options_.listen, error.code().message()));
    }
    KeepReserve();
    Accept();
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "http");
      io_.run();
    });
    return absl::OkStatus();
  }

  void Stop() {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] {
      error_code ignored;
      acceptor_.close(ignored);
      connections_.clear();
      io_.stop();
    });
    thread_.join();
  }

  std::uint16_t port() const { return port_; }
  const HttpProbe& probe() const { return probe_; }

 private:
  class Connection;
  using Connections = std::list<std::shared_ptr<Connection>>;

  void Accept();
  void AcceptOne();
  void OnNoAccept();
  void RemoveOldest();
  void Remove(Connections::iterator connection);
  void KeepReserve() {
    if (reserve_ < 0) reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }

  const Options options_;
  const Handler handler_;
  HttpProbe probe_;
  std::uint16_t port_ = 0;
  int reserve_ = -1;  // a descriptor to give away when there is no other
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer pause_{io_};
  Connections connections_;  // the oldest first
  std::thread thread_;
};

// One request and its answer. Alive while the list has it, an operation is under way or somebody
// holds its Answer; gone from the list it does nothing more.
class HttpListener::Loop::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Loop& loop, tcp::socket socket)
      : loop_(loop), socket_(std::move(socket)), deadline_(loop.io_) {
    parser_.header_limit(kMaxHeaderBytes);
  }

  void Start(Connections::iterator place) {
    place_ = place;
    Limit(loop_.options_.time_limit);
    // A body is not read: no page takes one.
    http::async_read_header(socket_, buffer_, parser_,
                            [self = shared_from_this()](const error_code& error, std::size_t) {
                              self->OnRequest(error);
                            });
  }

  // Ends all operations; each comes back once more, with an error.
  void Close() {
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
    deadline_.cancel(ignored);
  }

 private:
  // From now on; instead of the limit before.
  void Limit(std::chrono::milliseconds time) {
    deadline_.expires_after(time);
    deadline_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (cancelled || self->closed_) return;
      if (!self->answered_) self->loop_.probe_.timed_out.Add();
      self->End();
    });
  }

  void OnRequest(const error_code& error) {
    if (closed_) return;
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      return Refuse({.status = 431, .body = "the request is longer than 8 KiB\n"});
    }
    static const auto& of_http = http::make_error_code(http::error::bad_version).category();
    const bool ended = error == http::error::end_of_stream || error == http::error::partial_message;
    if (error && !ended && error.category() == of_http) {
      return Refuse({.status = 400, .body = "this is no HTTP request\n"});
    }
    if (error) return End();
    loop_.probe_.requests.Add();
    const auto& request = parser_.get();
    const std::string method(request.method_string());
    const std::string target(request.target());
    is_head_ = request.method() == http::verb::head;
    Limit(loop_.options_.time_limit);
    loop_.handler_({.method = method, .path = std::string_view(target).substr(0, target.find('?'))},
                   [self = shared_from_this()](HttpAnswer answer) {
                     asio::post(self->loop_.io_, [self, answer = std::move(answer)]() mutable {
                       self->Send(std::move(answer));
                     });
                   });
  }

  void Refuse(HttpAnswer answer) {
    loop_.probe_.malformed.Add();
    Limit(loop_.options_.time_limit);
    Send(std::move(answer));
  }

  void Send(HttpAnswer answer) {
    if (closed_) return;
    response_.version(11);
    response_.result(answer.status);
    response_.set(http::field::content_type, answer.type);
    response_.set(http::field::cache_control, "no-store");
    if (!answer.allow.empty()) response_.set(http::field::allow, answer.allow);
    response_.keep_alive(false);
    response_.content_length(answer.body.size());
    if (!is_head_) response_.body() = std::move(answer.body);
    http::async_write(
        socket_, response_,
        [self = shared_from_this()](const error_code& error, std::size_t) { self->OnSent(error); });
  }

  void OnSent(const error_code& error) {
    if (closed_) return;
    // The end of a message after which the connection closes is told as an error.
    if (error && error != http::error::end_of_stream) return End();
    answered_ = true;
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    Limit(kDrainTime);
    Drain();
  }

  void Drain() {
    socket_.async_read_some(asio::buffer(drained_),
                            [self = shared_from_this()](const error_code& error, std::size_t size) {
                              if (self->closed_) return;
                              self->drained_bytes_ += size;
                              if (error || self->drained_bytes_ > kMaxDrainBytes)
                                return self->End();
                              self->Drain();
                            });
  }

  void End() { loop_.Remove(place_); }

  Loop& loop_;
  Connections::iterator place_;
  tcp::socket socket_;
  asio::steady_timer deadline_;
  beast::flat_buffer buffer_{2 * kMaxHeaderBytes};
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
  std::array<char, 4096> drained_{};
  std::size_t drained_bytes_ = 0;
  bool is_head_ = false;
  bool answered_ = false;
  bool closed_ = false;
};

// Waits for a connection before it accepts one: without a free descriptor Linux says so even if
// nobody is there to be accepted.
void HttpListener::Loop::Accept() {
  acceptor_.async_wait(tcp::acceptor::wait_read, [this](const error_code& error) {
    if (!error) AcceptOne();
  });
}

void HttpListener::Loop::AcceptOne() {
  error_code error;
  tcp::socket socket = acceptor_.accept(error);
  if (error == asio::error::would_block) return Accept();
  if (error) return OnNoAccept();
  if (connections_.size() >= options_.max_connections) RemoveOldest();
  connections_.push_back(std::make_shared<Connection>(*this, std::move(socket)));
  probe_.connections.Set(static_cast<std::int64_t>(connections_.size()));
  connections_.back()->Start(std::prev(connections_.end()));
  KeepReserve();
  Accept();
}

void HttpListener::Loop::OnNoAccept() {
  probe_.accept_failures.Add();
  // What it leaves free becomes the reserve.
  if (reserve_ < 0 && !connections_.empty()) RemoveOldest();
  if (reserve_ >= 0) {
    ::close(std::exchange(reserve_, -1));
    return AcceptOne();
  }
  pause_.expires_after(kAcceptPause);
  pause_.async_wait([this](const error_code& cancelled) {
    if (cancelled) return;
    KeepReserve();
    Accept();
  });
}

void HttpListener::Loop::RemoveOldest() {
  probe_.displaced.Add();
  Remove(connections_.begin());
}

void HttpListener::Loop::Remove(Connections::iterator connection) {
  (*connection)->Close();
  connections_.erase(connection);
  probe_.connections.Set(static_cast<std::int64_t>(connections_.size()));
  KeepReserve();
}

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::Start(const Options& options,
                                                                  Handler handler) {
  auto loop = std::make_unique<Loop>(options, std::move(handler));
  if (absl::Status status = loop->Start(); !status.ok()) return status;
  return std::unique_ptr<HttpListener>(new HttpListener(std::move(loop)));
}

HttpListener::HttpListener(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
HttpListener::~HttpListener() = default;

void HttpListener::Stop() { loop_->Stop(); }

std::uint16_t HttpListener::port() const { return loop_->port(); }

const HttpProbe& HttpListener::probe() const { return loop_->probe(); }

}  // namespace unipresence
