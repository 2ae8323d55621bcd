#include "tests/simulation/control_server.h"

#include <memory>
#include <string>
#include <utility>

#include "asio/buffer.hpp"
#include "asio/read_until.hpp"
#include "asio/write.hpp"
#include "fmt/format.h"

namespace unipresence::simulation {
namespace {

constexpr std::size_t kLongestCommand = 1024 * 1024;

// Lives as long as an operation on it is pending.
class Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  Conversation(asio::ip::tcp::socket socket, Control& control)
      : socket_(std::move(socket)), control_(control) {}

  void Read() {
    asio::async_read_until(socket_, asio::dynamic_buffer(input_, kLongestCommand), '\n',
                           [self = shared_from_this()](asio::error_code error, std::size_t size) {
                             if (error) return;
                             const std::string line = self->input_.substr(0, size);
                             self->input_.erase(0, size);
                             self->control_.ExecuteLine(line, [self](std::string reply) {
                               self->output_.append(reply).append("\n");
                               self->Write();
                             });
                             self->Read();
                           });
  }

 private:
  void Write() {
    if (!in_flight_.empty() || output_.empty()) return;
    std::swap(in_flight_, output_);
    asio::async_write(socket_, asio::buffer(in_flight_),
                      [self = shared_from_this()](asio::error_code error, std::size_t /*size*/) {
                        self->in_flight_.clear();
                        if (!error) self->Write();
                      });
  }

  asio::ip::tcp::socket socket_;
  Control& control_;
  std::string input_;
  std::string output_;
  std::string in_flight_;
};

}  // namespace

absl::Status ControlServer::Open(const std::string& host, std::uint16_t port) {
  asio::error_code error;
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(host, error), port);
  if (!error) acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::ip::tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return absl::UnavailableError(
        fmt::format("cannot listen on {}:{}: {}", host, port, error.message()));
  }
  port_ = acceptor_.local_endpoint().port();
  Accept();
  return absl::OkStatus();
}

void ControlServer::Accept() {
  acceptor_.async_accept([this](asio::error_code error, asio::ip::tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) std::make_shared<Conversation>(std::move(socket), control_)->Read();
    Accept();
  });
}

}  // namespace unipresence::simulation
