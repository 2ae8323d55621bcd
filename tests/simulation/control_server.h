#ifndef UNIPRESENCE_TESTS_SIMULATION_CONTROL_SERVER_H_
#define UNIPRESENCE_TESTS_SIMULATION_CONTROL_SERVER_H_

// The control port: one JSON object a line in, one a line out, over TCP.

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "asio/io_context.hpp"
#include "asio/ip/tcp.hpp"
#include "tests/simulation/control.h"

namespace unipresence::simulation {

// Thread: the one that runs the io_context. The control must outlive it and its connections.
class ControlServer {
 public:
  ControlServer(asio::io_context& io, Control& control) : control_(control), acceptor_(io) {}

  // Listens; port 0 takes a free one. UNAVAILABLE: the address cannot be had.
  absl::Status Open(const std::string& host, std::uint16_t port);
  std::uint16_t port() const { return port_; }

 private:
  void Accept();

  Control& control_;
  asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_CONTROL_SERVER_H_
