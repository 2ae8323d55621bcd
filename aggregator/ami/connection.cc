#include "aggregator/ami/connection.h"

#include <openssl/ssl.h>

#include <asio.hpp>
#include <asio/ssl.hpp>
#include <exception>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/thread_checker.h"
#include "fmt/format.h"

namespace unipresence::ami {
namespace {

using asio::ip::tcp;
using ErrorCode = asio::error_code;

std::function<std::uint64_t()> SystemRandom() {
  std::random_device device;
  const std::uint64_t seed = std::uint64_t{device()} << 32 | device();
  return [engine = std::mt19937_64(seed)]() mutable { return engine(); };
}

bool IsAddress(const std::string& host) {
  ErrorCode error;
  asio::ip::make_address(host, error);
  return !error;
}

// One attempt to connect and the link that may come of it. Operations in flight share it, so that
// the bytes they write live as long as they, and tell by it whether their link is still the current
// one.
struct Attempt {
  Attempt(asio::io_context& io, asio::ssl::context* tls_context) : resolver(io), socket(io) {
    if (tls_context != nullptr) tls.emplace(socket, *tls_context);
  }

  tcp::resolver resolver;
  tcp::socket socket;
  std::optional<asio::ssl::stream<tcp::socket&>> tls;
  std::string being_written;  // with the socket, unless empty
  std::string queued;
};
using AttemptPtr = std::shared_ptr<Attempt>;

absl::Status CheckConfig(const PbxConfig& config) {
  const auto invalid = [&config](std::string_view what) {
    return absl::InvalidArgumentError(fmt::format("pbx {}: {}", config.name, what));
  };
  if (config.host.empty()) return invalid("no host; set the name or address of the Asterisk");
  if (config.port == 0) return invalid("port 0; AMI listens on 5038 unless manager.conf says else");
  if (config.username.empty()) return invalid("no username; set one of manager.conf");
  if (config.read_bytes == 0) return invalid("read_bytes is 0");
  ActionBuilder login("Login");
  login.Header("Username", config.username)
      .Header("Secret", config.secret)
      .Header("Events", config.events);
  if (!login.status().ok()) {
    const absl::string_view text = login.status().message();
    return invalid(std::string_view(text.data(), text.size()));
  }
  return absl::OkStatus();
}

absl::Status MakeTlsContext(const PbxConfig& config, std::optional<asio::ssl::context>& context) {
  context.reset();
  if (!config.tls.enabled) return absl::OkStatus();
  const auto invalid = [&config](std::string_view what, std::string_view why) {
    return absl::InvalidArgumentError(fmt::format("pbx {}: TLS: {}: {}", config.name, what, why));
  };
  try {
    context.emplace(asio::ssl::context::tls_client);
    context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                         asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                         asio::ssl::context::no_tlsv1_1);
  } catch (const std::exception& e) {
    return invalid("cannot set up OpenSSL", e.what());
  }
  ErrorCode error;
  if (!config.tls.verify) {
    context->set_verify_mode(asio::ssl::verify_none, error);
  } else {
    context->set_verify_mode(asio::ssl::verify_peer, error);
    if (config.tls.ca_file.empty()) {
      context->set_default_verify_paths(error);
    } else {
      context->load_verify_file(config.tls.ca_file, error);
    }
  }
  if (error) return invalid(fmt::format("ca_file \"{}\"", config.tls.ca_file), error.message());
  return absl::OkStatus();
}

}  // namespace

class Connection::Link final : public SessionTransport, public std::enable_shared_from_this<Link> {
 public:
  Link(asio::io_context& io, PbxConfig config, SessionHandler& handler, const Clock& clock,
       std::function<std::uint64_t()> random)
      : io_(io),
        config_(std::move(config)),
        clock_(clock),
        session_(config_, *this, handler, probe_, clock, std::move(random)),
        timer_(io) {}

  absl::Status Start();
  void Stop();

  // SessionTransport.
  void Connect() override;
  bool Write(std::string_view bytes) override;
  void Close() override;

  Session& session() { return session_; }
  const PbxConfig& config() const { return config_; }
  void SetConfig(PbxConfig config) { config_ = std::move(config); }
  const AmiProbe& probe() const { return probe_; }

 private:
  bool Current(const AttemptPtr& attempt) const { return attempt == attempt_; }
  void OnResolved(const AttemptPtr& attempt, const tcp::resolver::results_type& endpoints);
  void OnTcpConnected(const AttemptPtr& attempt);
  void Handshake(const AttemptPtr& attempt);
  void OnOpen(const AttemptPtr& attempt);
  void OnFailed(const AttemptPtr& attempt, std::string_view step, const ErrorCode& error);
  void ReadMore(const AttemptPtr& attempt);
  void OnRead(const AttemptPtr& attempt, const ErrorCode& error, std::size_t size);
  void WriteMore(const AttemptPtr& attempt);
  void OnWritten(const AttemptPtr& attempt, const ErrorCode& error, std::size_t size);
  void Rearm();

  asio::io_context& io_;
  PbxConfig config_;
  const Clock& clock_;
  AmiProbe probe_;
  ThreadChecker thread_;
  std::optional<asio::ssl::context> tls_context_;
  AttemptPtr attempt_;  // null without a link
  Session session_;
  asio::steady_timer timer_;
  MonotonicTime armed_ = MonotonicTime::max();  // when the timer fires; max() for never
};

// ---- Life ----

absl::Status Connection::Link::Start() {
  thread_.Detach();
  UNIPRESENCE_RETURN_IF_ERROR(CheckConfig(config_));
  UNIPRESENCE_RETURN_IF_ERROR(MakeTlsContext(config_, tls_context_));
  session_.Start();
  Rearm();
  return absl::OkStatus();
}

void Connection::Link::Stop() {
  session_.Stop();
  timer_.cancel();
  armed_ = MonotonicTime::max();
}

// The timer fires no later than the session's next deadline. It may fire earlier, since most reads
// only put the deadline off: setting the timer anew at each would cost more.
void Connection::Link::Rearm() {
  const MonotonicTime deadline = session_.NextDeadline();
  if (deadline >= armed_) return;
  armed_ = deadline;
  timer_.expires_after(deadline - clock_.Now());
  timer_.async_wait([self = shared_from_this(), deadline](const ErrorCode& error) {
    if (error || self->armed_ != deadline) return;
    self->armed_ = MonotonicTime::max();
    self->session_.OnTime();
    self->Rearm();
  });
}

// ---- Connecting ----

void Connection::Link::Connect() {
  try {
    attempt_ = std::make_shared<Attempt>(io_, tls_context_.has_value() ? &*tls_context_ : nullptr);
  } catch (const std::exception&) {  // OpenSSL without memory: the session's timeout tries again
    attempt_ = nullptr;
    return;
  }
  attempt_->resolver.async_resolve(
      config_.host, std::to_string(config_.port), tcp::resolver::numeric_service,
      [self = shared_from_this(), attempt = attempt_](
          const ErrorCode& error, const tcp::resolver::results_type& endpoints) {
        if (!self->Current(attempt)) return;
        if (error) {
          self->OnFailed(attempt, "cannot resolve", error);
        } else {
          self->OnResolved(attempt, endpoints);
        }
      });
}

void Connection::Link::OnResolved(const AttemptPtr& attempt,
                                  const tcp::resolver::results_type& endpoints) {
  asio::async_connect(
      attempt->socket, endpoints,
      [self = shared_from_this(), attempt](const ErrorCode& error, const tcp::endpoint&) {
        if (!self->Current(attempt)) return;
        if (error) {
          self->OnFailed(attempt, "cannot connect to", error);
        } else {
          self->OnTcpConnected(attempt);
        }
      });
}

void Connection::Link::OnTcpConnected(const AttemptPtr& attempt) {
  // A socket without these options works all the same.
  ErrorCode ignored;
  attempt->socket.set_option(tcp::no_delay(true), ignored);
  attempt->socket.set_option(asio::socket_base::keep_alive(true), ignored);
  if (attempt->tls.has_value()) {
    Handshake(attempt);
  } else {
    OnOpen(attempt);
  }
}

void Connection::Link::Handshake(const AttemptPtr& attempt) {
  ErrorCode error;
  if (config_.tls.verify) {
    attempt->tls->set_verify_callback(asio::ssl::host_name_verification(config_.host), error);
  }
  // A server name may not be an address (RFC 6066).
  if (!IsAddress(config_.host)) {
    SSL_set_tlsext_host_name(attempt->tls->native_handle(), config_.host.c_str());
  }
  attempt->tls->async_handshake(
      asio::ssl::stream_base::client,
      [self = shared_from_this(), attempt](const ErrorCode& handshake_error) {
        if (!self->Current(attempt)) return;
        if (handshake_error) {
          self->OnFailed(attempt,
                         "no TLS (check that the port speaks it, the certificate, its name and "
                         "tls.ca_file) with",
                         handshake_error);
        } else {
          self->OnOpen(attempt);
        }
      });
}

void Connection::Link::OnOpen(const AttemptPtr& attempt) {
  session_.OnConnected();
  Rearm();
  if (Current(attempt)) ReadMore(attempt);
}

void Connection::Link::OnFailed(const AttemptPtr& attempt, std::string_view step,
                                const ErrorCode& error) {
  if (!Current(attempt)) return;
  session_.OnClosed(absl::UnavailableError(
      fmt::format("{} {}:{}: {}", step, config_.host, config_.port, error.message())));
  Rearm();
}

void Connection::Link::Close() {
  if (attempt_ == nullptr) return;
  const AttemptPtr attempt = std::exchange(attempt_, nullptr);
  ErrorCode ignored;
  attempt->resolver.cancel();
  attempt->socket.close(ignored);
  probe_.write_queue_bytes.store(0, std::memory_order_relaxed);
}

// ---- Bytes ----

// One read a turn of the loop: the completion goes to the end of its queue, behind what the other
// links have ready.
void Connection::Link::ReadMore(const AttemptPtr& attempt) {
  const std::span<char> room = session_.PrepareRead(config_.read_bytes);
  const auto buffer = asio::buffer(room.data(), std::min(room.size(), config_.read_bytes));
  const auto done = [self = shared_from_this(), attempt](const ErrorCode& error, std::size_t size) {
    if (self->Current(attempt)) self->OnRead(attempt, error, size);
  };
  if (attempt->tls.has_value()) {
    attempt->tls->async_read_some(buffer, done);
  } else {
    attempt->socket.async_read_some(buffer, done);
  }
}

void Connection::Link::OnRead(const AttemptPtr& attempt, const ErrorCode& error, std::size_t size) {
  UNIPRESENCE_CHECK_THREAD(thread_);
  if (size > 0) session_.OnRead(size);
  if (!Current(attempt)) {  // the session or its handler closed the link
    Rearm();
    return;
  }
  if (error) {
    // Asterisk ends a TLS link without a word, which asio calls a truncated stream.
    const bool orderly = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
    session_.OnClosed(
        orderly ? absl::OkStatus()
                : absl::UnavailableError(fmt::format("the link to {}:{} broke: {}", config_.host,
                                                     config_.port, error.message())));
    Rearm();
    return;
  }
  Rearm();
  ReadMore(attempt);
}

bool Connection::Link::Write(std::string_view bytes) {
  UNIPRESENCE_CHECK_THREAD(thread_);
  if (attempt_ == nullptr) return false;
  const std::size_t waiting = attempt_->being_written.size() + attempt_->queued.size();
  if (bytes.size() > config_.write_queue_bytes ||
      waiting > config_.write_queue_bytes - bytes.size()) {
    return false;
  }
  attempt_->queued.append(bytes);
  probe_.write_queue_bytes.store(waiting + bytes.size(), std::memory_order_relaxed);
  if (attempt_->being_written.empty()) WriteMore(attempt_);
  return true;
}

void Connection::Link::WriteMore(const AttemptPtr& attempt) {
  std::swap(attempt->being_written, attempt->queued);
  const auto buffer = asio::buffer(attempt->being_written);
  const auto done = [self = shared_from_this(), attempt](const ErrorCode& error, std::size_t size) {
    if (self->Current(attempt)) self->OnWritten(attempt, error, size);
  };
  if (attempt->tls.has_value()) {
    asio::async_write(*attempt->tls, buffer, done);
  } else {
    asio::async_write(attempt->socket, buffer, done);
  }
}

void Connection::Link::OnWritten(const AttemptPtr& attempt, const ErrorCode& error,
                                 std::size_t size) {
  probe_.bytes_sent.Add(size);
  attempt->being_written.clear();
  probe_.write_queue_bytes.store(attempt->queued.size(), std::memory_order_relaxed);
  // What Asterisk said before it closed is still to be read: the reader ends the link.
  if (error) return;
  if (!attempt->queued.empty()) WriteMore(attempt);
  Rearm();  // for the actions that were written
}

// ---- Connection ----

Connection::Connection(asio::io_context& io, PbxConfig config, SessionHandler& handler,
                       const Clock& clock, std::function<std::uint64_t()> random)
    : link_(std::make_shared<Link>(io, std::move(config), handler, clock,
                                   random ? std::move(random) : SystemRandom())) {}

Connection::~Connection() { Stop(); }

absl::Status Connection::Check(const PbxConfig& config) const {
  UNIPRESENCE_RETURN_IF_ERROR(CheckConfig(config));
  std::optional<asio::ssl::context> context;
  return MakeTlsContext(config, context);
}

absl::Status Connection::Start() { return link_->Start(); }

void Connection::Stop() { link_->Stop(); }

void Connection::SetConfig(PbxConfig config) { link_->SetConfig(std::move(config)); }

Session& Connection::session() { return link_->session(); }

const PbxConfig& Connection::config() const { return link_->config(); }

const AmiProbe& Connection::probe() const { return link_->probe(); }

}  // namespace unipresence::ami
