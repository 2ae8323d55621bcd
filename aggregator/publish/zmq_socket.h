#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_ZMQ_SOCKET_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_ZMQ_SOCKET_H_

// The adapter between libzmq and this code: its exceptions and error numbers end here.
//
// Options that both sides set alike, and why:
// - LINGER 0: closing never waits for a peer that does not read.
// - TCP_KEEPALIVE and TCP_MAXRT: a peer that vanished without a word is noticed.
// - HANDSHAKE_IVL: a stranger who connects and says nothing is let go.
// - MAXMSGSIZE: by default a stranger may make the process hold any amount of memory.
// - IPV6 for literal IPv6 addresses only: with it libzmq tries a host name by its IPv6 address
//   alone.

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <zmq.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"

namespace unipresence::publish {

inline int ToMilliseconds(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

// Sets what both sides set alike; see above. Throws zmq::error_t.
inline void SetCommonOptions(zmq::socket_t& socket, std::string_view address,
                             std::int64_t max_message_bytes, Duration stuck_connection_timeout) {
  socket.set(zmq::sockopt::ipv6, address.find('[') != std::string_view::npos);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::maxmsgsize, max_message_bytes);
  socket.set(zmq::sockopt::handshake_ivl, 10'000);
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 30);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 10);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  socket.set(zmq::sockopt::tcp_maxrt, ToMilliseconds(stuck_connection_timeout));
}

// `doing` names what failed and the address.
inline absl::Status ToStatus(const zmq::error_t& error, std::string_view doing) {
  const std::string message = fmt::format("{}: {}", doing, error.what());
  switch (error.num()) {
    case EINVAL:
    case EPROTONOSUPPORT:
    case ENOCOMPATPROTO:
      return absl::InvalidArgumentError(
          message + "; give an address such as tcp://127.0.0.1:5557 or ipc:///run/x/publish");
    case EADDRINUSE:
    case EADDRNOTAVAIL:
    case ENODEV:
      return absl::UnavailableError(message + "; choose a free address of this machine");
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::InternalError(message);
  }
}

// Sends one frame without waiting. False if libzmq did not take it; zmq_errno() says why.
inline bool SendFrame(zmq::socket_t& socket, std::string_view frame, int flags = 0) {
  zmq_msg_t message;
  if (zmq_msg_init_size(&message, frame.size()) != 0) return false;
  if (!frame.empty()) std::memcpy(zmq_msg_data(&message), frame.data(), frame.size());
  if (zmq_msg_send(&message, socket.handle(), ZMQ_DONTWAIT | flags) >= 0) return true;
  const int error = zmq_errno();
  zmq_msg_close(&message);
  errno = error;
  return false;
}

// Receives one frame into `frame` without waiting. False if there is none.
//
// After false the socket has dealt with all its internal commands: its descriptor will signal the
// next one.
inline bool ReceiveFrame(zmq::socket_t& socket, zmq::message_t& frame) {
  while (zmq_msg_recv(frame.handle(), socket.handle(), ZMQ_DONTWAIT) < 0) {
    if (zmq_errno() != EINTR) return false;
  }
  return true;
}

inline std::string_view View(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

}  // namespace unipresence::publish

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_ZMQ_SOCKET_H_
