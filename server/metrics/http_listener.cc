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

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <limits>
#include <list>
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

// What the text names: several for a name of several addresses, none if it is no address.
tcp::resolver::results_type Resolve(asio::io_context& io, std::string_view listen) {
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string_view::npos) return {};
  std::string_view host = listen.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool is_v6 = host.find(':') != std::string_view::npos;
  std::uint16_t port = 0;
  const char* const end = listen.data() + listen.size();
  const auto [stop, bad_port] = std::from_chars(listen.data() + colon + 1, end, port);
  if (bad_port != std::errc() || stop != end || host.empty() || is_v6 != bracketed) {
    return {};
  }
  error_code error;
  return tcp::resolver(io).resolve(host, std::to_string(port), tcp::resolver::passive, error);
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
    const tcp::resolver::results_type endpoints = Resolve(io_, options_.listen);
    if (endpoints.empty()) {
      return absl::InvalidArgumentError(fmt::format(
          "metrics.listen '{}': write address:port such as 127.0.0.1:9464 or [::1]:9464",
          options_.listen));
    }
    error_code error;
    for (const auto& endpoint : endpoints) {
      error = Listen(endpoint);
      if (!error) break;
    }
    if (error) {
      return absl::UnavailableError(fmt::format("metrics.listen '{}': cannot listen there: {}",
                                                options_.listen, error.message()));
    }
    port_ = acceptor_.local_endpoint().port();
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
      while (!connections_.empty()) Remove(connections_.begin());
      io_.stop();
    });
    thread_.join();
  }

  std::uint16_t port() const { return port_; }
  const HttpProbe& probe() const { return probe_; }

 private:
  class Connection;
  using Connections = std::list<std::shared_ptr<Connection>>;

  error_code Listen(const tcp::endpoint& endpoint);
  void Accept();
  void AcceptOne();
  void OnNoAccept(const error_code& error);
  void AcceptLater();
  void RemoveOne();
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

// One request and its answer. Alive while the list has it or an operation is under way; gone from
// the list it does nothing more.
class HttpListener::Loop::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Loop& loop, tcp::socket socket)
      : loop_(loop), socket_(std::move(socket)), deadline_(loop.io_) {
    parser_.header_limit(kMaxHeaderBytes);
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());  // none is read
  }

  void Start(Connections::iterator place) {
    place_ = place;
    Limit(loop_.options_.request_limit);
    // A body is not read: no page takes one.
    http::async_read_header(socket_, buffer_, parser_,
                            [self = shared_from_this()](const error_code& error, std::size_t) {
                              self->OnRequest(error);
                            });
  }

  // How little is lost with it, the least first.
  int worth() const { return answered_ ? 0 : requested_ ? 2 : 1; }

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
      // It was over already when it was set anew.
      if (self->deadline_.expiry() > asio::steady_timer::clock_type::now()) return;
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
    requested_ = true;
    loop_.probe_.requests.Add();
    const auto& request = parser_.get();
    const std::string method(request.method_string());
    const std::string target(request.target());
    is_head_ = request.method() == http::verb::head;
    Limit(loop_.options_.answer_limit);
    loop_.handler_({.method = method, .path = std::string_view(target).substr(0, target.find('?'))},
                   // Who is gone is not kept by an answer that is still to come.
                   [self = weak_from_this(), &io = loop_.io_](HttpAnswer answer) {
                     asio::post(io, [self, answer = std::move(answer)]() mutable {
                       if (const auto alive = self.lock()) alive->Send(std::move(answer));
                     });
                   });
  }

  void Refuse(HttpAnswer answer) {
    loop_.probe_.malformed.Add();
    Limit(loop_.options_.answer_limit);
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
  bool requested_ = false;
  bool answered_ = false;
  bool closed_ = false;
};

error_code HttpListener::Loop::Listen(const tcp::endpoint& endpoint) {
  error_code error;
  acceptor_ = tcp::acceptor(io_);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
  if (!error) acceptor_.non_blocking(true, error);
  return error;
}

// Waits for a connection before it accepts one: without a free descriptor Linux says so even if
// nobody is there to be accepted.
void HttpListener::Loop::Accept() {
  acceptor_.async_wait(tcp::acceptor::wait_read, [this](const error_code& error) {
    if (!error) return AcceptOne();
    if (error != asio::error::operation_aborted) AcceptLater();
  });
}

void HttpListener::Loop::AcceptOne() {
  error_code error;
  tcp::socket socket = acceptor_.accept(error);
  if (error == asio::error::would_block) return Accept();
  if (error) return OnNoAccept(error);
  if (connections_.size() >= options_.max_connections) RemoveOne();
  connections_.push_back(std::make_shared<Connection>(*this, std::move(socket)));
  probe_.connections.Set(static_cast<std::int64_t>(connections_.size()));
  connections_.back()->Start(std::prev(connections_.end()));
  KeepReserve();
  Accept();
}

void HttpListener::Loop::OnNoAccept(const error_code& error) {
  probe_.accept_failures.Add();
  if (error == asio::error::no_descriptors) {
    // What it leaves free becomes the reserve.
    if (reserve_ < 0 && !connections_.empty()) RemoveOne();
    if (reserve_ >= 0) {
      ::close(std::exchange(reserve_, -1));
      return AcceptOne();
    }
  }
  AcceptLater();
}

void HttpListener::Loop::AcceptLater() {
  pause_.expires_after(kAcceptPause);
  pause_.async_wait([this](const error_code& cancelled) {
    if (cancelled) return;
    KeepReserve();
    Accept();
  });
}

// The oldest of those with which least is lost: it is answered, or has not asked yet.
void HttpListener::Loop::RemoveOne() {
  probe_.displaced.Add();
  Remove(std::min_element(
      connections_.begin(), connections_.end(),
      [](const auto& left, const auto& right) { return left->worth() < right->worth(); }));
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
