#include "tests/simulation/ami_server.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "asio/post.hpp"
#include "fmt/format.h"
#include "tests/simulation/ami_connection.h"

namespace unipresence::simulation {
namespace {

// Several may be bound to one endpoint while none of them listens.
void Bind(asio::ip::tcp::acceptor& acceptor, const asio::ip::tcp::endpoint& endpoint,
          asio::error_code& error) {
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::ip::tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
}

}  // namespace

AmiServer::AmiServer(asio::io_context& io, Options options)
    : io_(io), options_(std::move(options)), reservation_(io), acceptor_(io) {}

AmiServer::~AmiServer() = default;

absl::Status AmiServer::Open() {
  asio::error_code error;
  const asio::ip::address address = asio::ip::make_address(options_.host, error);
  if (!error && options_.port == 0) {
    Bind(reservation_, {address, 0}, error);
    if (!error) options_.port = reservation_.local_endpoint().port();
  }
  if (!error) Bind(acceptor_, {address, options_.port}, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return absl::UnavailableError(
        fmt::format("cannot listen on {}:{}: {}", options_.host, options_.port, error.message()));
  }
  if (accepting_ == Accepting::kNot) accepting_ = Accepting::kNormally;
  Accept();
  return absl::OkStatus();
}

void AmiServer::SetAccepting(Accepting accepting) {
  accepting_ = accepting;
  if (accepting != Accepting::kNot) return;
  asio::error_code ignored;
  acceptor_.close(ignored);
}

void AmiServer::Accept() {
  acceptor_.async_accept(io_, [this](asio::error_code error, asio::ip::tcp::socket socket) {
    // The acceptor was closed; if it is open again, a newer call of Accept() waits on it.
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      ++accepted_;
      const std::size_t strangers = connections_.size() - authenticated_count();
      if (accepting_ == Accepting::kNormally && strangers < options_.most_unauthenticated) {
        connections_.push_back(
            std::make_shared<AmiConnection>(*this, std::move(socket), options_.seed + accepted_));
        connections_.back()->Start();
      }
    }
    Accept();
  });
}

void AmiServer::Remove(AmiConnection& connection) {
  const auto found =
      std::find_if(connections_.begin(), connections_.end(),
                   [&connection](const auto& one) { return one.get() == &connection; });
  if (found == connections_.end()) return;
  // The caller may be the last owner and still at work.
  asio::post(io_, [last = std::move(*found)] {});
  connections_.erase(found);
  FinishStormIfAllDone();
}

std::size_t AmiServer::authenticated_count() const {
  return static_cast<std::size_t>(
      std::count_if(connections_.begin(), connections_.end(),
                    [](const auto& one) { return one->authenticated(); }));
}

void AmiServer::OnEvent(Rights classes, std::string_view text) {
  for (const auto& connection : connections_) {
    if (connection->Wants(classes)) connection->SendEvent(text);
  }
}

void AmiServer::DropAll(bool flush) {
  const auto all = connections_;
  for (const auto& connection : all) {
    flush ? connection->CloseWhenWritten() : connection->Close();
  }
}

void AmiServer::CutAfter(std::size_t bytes) {
  const auto all = connections_;
  for (const auto& connection : all) {
    bytes == 0 ? connection->Close() : connection->CutAfter(bytes);
  }
}

// --- storms ---

absl::Status AmiServer::Start(std::unique_ptr<Storm> storm, std::function<void(double)> done) {
  if (storm_ != nullptr)
    return absl::FailedPreconditionError("a storm is running; wait for its end");
  storm_ = std::move(storm);
  storm_done_ = std::move(done);
  storm_started_ = pbx_->clock().Now();
  for (const auto& connection : connections_) {
    if (connection->Wants(kCall)) connection->JoinStorm(0);
  }
  asio::post(io_, [this] { FinishStormIfAllDone(); });
  return absl::OkStatus();
}

std::uint64_t AmiServer::StormPosition() const {
  std::uint64_t furthest = 0;
  for (const auto& connection : connections_) {
    furthest = std::max(furthest, connection->storm_position().value_or(0));
  }
  return furthest;
}

void AmiServer::FinishStormIfAllDone() {
  if (storm_ == nullptr) return;
  for (const auto& connection : connections_) {
    if (!connection->storm_position().has_value()) continue;
    if (*connection->storm_position() < storm_->events() || connection->writing()) return;
  }
  storm_->Apply(*pbx_);
  for (const auto& connection : connections_) connection->LeaveStorm();
  const double seconds =
      std::chrono::duration<double>(pbx_->clock().Now() - storm_started_).count();
  storm_.reset();
  std::exchange(storm_done_, nullptr)(seconds);
}

}  // namespace unipresence::simulation
