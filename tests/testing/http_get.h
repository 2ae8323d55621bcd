#ifndef UNIPRESENCE_TESTS_TESTING_HTTP_GET_H_
#define UNIPRESENCE_TESTS_TESTING_HTTP_GET_H_

// A client just good enough to talk to a server on 127.0.0.1.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace unipresence::testing {

// One connection.
class Peer {
 public:
  Peer() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  explicit Peer(std::uint16_t port) : Peer() { Connect(port); }
  Peer(Peer&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), connected_(other.connected_) {}
  Peer& operator=(Peer&&) = delete;
  ~Peer() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  bool Connect(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    return connected_;
  }
  bool connected() const { return connected_; }

  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // All until the server closes.
  std::string ReadToEnd() {
    std::string answer;
    char buffer[4096];
    ssize_t got = 0;
    while ((got = ::recv(descriptor_, buffer, sizeof(buffer), 0)) > 0) {
      answer.append(buffer, static_cast<std::size_t>(got));
    }
    return answer;
  }

 private:
  int descriptor_ = -1;
  bool connected_ = false;
};

// Sends the bytes and reads until the server closes; empty if it cannot connect.
inline std::string Exchange(std::uint16_t port, std::string_view bytes) {
  Peer peer(port);
  if (!peer.connected()) return {};
  peer.Send(bytes);
  return peer.ReadToEnd();
}

struct HttpAnswer {
  int status = 0;  // 0 = no answer
  std::string header;
  std::string body;
};

inline HttpAnswer ParseHttp(const std::string& answer) {
  HttpAnswer parsed;
  const std::size_t end = answer.find("\r\n\r\n");
  if (end == std::string::npos || answer.compare(0, 7, "HTTP/1.") != 0) return parsed;
  parsed.status = std::atoi(answer.c_str() + 9);
  parsed.header = answer.substr(0, end);
  parsed.body = answer.substr(end + 4);
  return parsed;
}

inline HttpAnswer HttpRequest(std::uint16_t port, std::string_view method, std::string_view path) {
  return ParseHttp(Exchange(
      port,
      fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, path)));
}

inline HttpAnswer HttpGet(std::uint16_t port, std::string_view path) {
  return HttpRequest(port, "GET", path);
}

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_HTTP_GET_H_
