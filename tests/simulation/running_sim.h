#ifndef UNIPRESENCE_TESTS_SIMULATION_RUNNING_SIM_H_
#define UNIPRESENCE_TESTS_SIMULATION_RUNNING_SIM_H_

// A whole unipresence-pbxsim on a thread of the test, and a blocking TCP client for its two ports.

#include <sys/socket.h>
#include <sys/time.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "asio/io_context.hpp"
#include "asio/ip/tcp.hpp"
#include "asio/read.hpp"
#include "asio/write.hpp"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/simulation/pbxsim.h"

namespace unipresence::simulation {

// One connection; every read gives up after a minute.
class WireClient {
 public:
  // A small receive buffer makes a client that reads nothing stop the server early.
  explicit WireClient(std::uint16_t port, int receive_buffer = 0) {
    const asio::ip::tcp::endpoint server(asio::ip::address_v4::loopback(), port);
    socket_.open(server.protocol());
    if (receive_buffer > 0) {
      socket_.set_option(asio::socket_base::receive_buffer_size(receive_buffer));
    }
    const timeval limit{60, 0};
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    socket_.connect(server, connect_error_);
  }

  bool connected() const { return !connect_error_; }

  void Send(std::string_view bytes) {
    asio::write(socket_, asio::buffer(bytes.data(), bytes.size()), error_);
  }

  // Reads until the text ends with, or contains, `end`; returns everything up to there.
  std::string ReadUntil(std::string_view end) {
    std::size_t at = 0;
    std::size_t searched = 0;
    while ((at = buffer_.find(end, searched)) == std::string::npos) {
      searched = buffer_.size() < end.size() ? 0 : buffer_.size() - end.size();
      if (!ReadMore()) return std::exchange(buffer_, {});
    }
    std::string text = buffer_.substr(0, at + end.size());
    buffer_.erase(0, at + end.size());
    return text;
  }

  std::string ReadToEnd() {
    while (ReadMore()) {
    }
    return std::exchange(buffer_, {});
  }

  // Whether the last read met the end of the connection, and not the time limit.
  bool AtEnd() const {
    return error_ == asio::error::eof || error_ == asio::error::connection_reset;
  }

  void Login(std::string_view user = "unipresence", std::string_view secret = "unipresence") {
    Send("Action: Login\r\nUsername: " + std::string(user) + "\r\nSecret: " + std::string(secret) +
         "\r\n\r\n");
    ReadUntil("Authentication accepted\r\n\r\n");
  }

 private:
  bool ReadMore() {
    char piece[65536];
    const std::size_t size = socket_.read_some(asio::buffer(piece), error_);
    buffer_.append(piece, size);
    return !error_;
  }

  asio::io_context io_;
  asio::ip::tcp::socket socket_{io_};
  asio::error_code connect_error_;
  asio::error_code error_;
  std::string buffer_;
};

// For a time of a command that "go_on" ends.
constexpr int kUntilToldToGoOn = 3'600'000;

// Options for tests: any port, ten generated users, a seed.
inline Options TestOptions() {
  Options options;
  options.listen.port = 0;
  options.control = Address{"127.0.0.1", 0};
  options.managers = {{"unipresence", "unipresence"}};
  return options;
}

class RunningSim {
 public:
  explicit RunningSim(const Options& options = TestOptions())
      : sim_(*PbxSim::Create(io_, options)), thread_([this] { io_.run(); }) {}

  ~RunningSim() {
    io_.stop();
    thread_.join();
  }

  std::uint16_t port() const { return sim_->ami_port(); }
  std::uint16_t control_port() const { return sim_->control_port(); }

 private:
  asio::io_context io_{1};
  std::unique_ptr<PbxSim> sim_;
  std::thread thread_;
};

// The control port: one command, one reply.
class ControlClient {
 public:
  explicit ControlClient(std::uint16_t port) : client_(port) {}

  nlohmann::json Run(const nlohmann::json& command) {
    Start(command);
    return Reply();
  }
  void Start(const nlohmann::json& command) { client_.Send(command.dump() + "\n"); }
  nlohmann::json Reply() {
    return nlohmann::json::parse(client_.ReadUntil("\n"), nullptr, /*allow_exceptions=*/false);
  }

 private:
  WireClient client_;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_RUNNING_SIM_H_
