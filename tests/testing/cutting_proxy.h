#ifndef UNIPRESENCE_TESTS_TESTING_CUTTING_PROXY_H_
#define UNIPRESENCE_TESTS_TESTING_CUTTING_PROXY_H_

// A TCP proxy that damages links on request: it cuts every connection after a given number of bytes
// from the server, or stops passing bytes without a word. On a thread of its own; methods are
// thread-safe.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <list>
#include <string>
#include <thread>
#include <vector>

namespace unipresence::testing {

class CuttingProxy {
 public:
  // Passes on to "tcp://127.0.0.1:PORT".
  explicit CuttingProxy(const std::string& target)
      : target_port_(static_cast<std::uint16_t>(std::stoi(target.substr(target.rfind(':') + 1)))),
        listen_fd_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)),
        wake_fd_(::eventfd(0, EFD_NONBLOCK)) {
    sockaddr_in address = Loopback(0);
    EXPECT_EQ(::bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(listen_fd_, 100), 0);
    socklen_t size = sizeof(address);
    ::getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size);
    endpoint_ = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { Loop(); });
  }
  ~CuttingProxy() {
    stop_ = true;
    Wake();
    thread_.join();
    for (const Link& link : links_) CloseBoth(link, false);
    ::close(listen_fd_);
    ::close(wake_fd_);
  }
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  const std::string& endpoint() const { return endpoint_; }

  // When so many more bytes have come from the server, all connections are closed; with a reset, or
  // in good order. 0: at once.
  void CutAfter(std::int64_t bytes, bool reset) {
    reset_ = reset;
    bytes_left_ = bytes;
    armed_ = true;
    Wake();
  }
  // Cuts that have happened.
  int cuts() const { return cuts_; }

  // Stops passing bytes; connections stay open.
  void SetStalled(bool stalled) {
    stalled_ = stalled;
    Wake();
  }

 private:
  struct Link {
    int client = -1;
    int server = -1;
    std::string to_client;  // read and not yet written
    std::string to_server;
  };
  static constexpr std::size_t kBuffer = 64 << 10;

  static sockaddr_in Loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  void Wake() {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(wake_fd_, &one, sizeof(one)), 8);
  }

  void Loop() {
    while (!stop_) {
      std::vector<pollfd> fds = {{wake_fd_, POLLIN, 0}, {listen_fd_, POLLIN, 0}};
      for (const Link& link : links_) {
        if (stalled_) break;
        fds.push_back({link.client, Events(link.to_server, link.to_client), 0});
        fds.push_back({link.server, Events(link.to_client, link.to_server), 0});
      }
      ::poll(fds.data(), fds.size(), -1);
      std::uint64_t ignored = 0;
      [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &ignored, sizeof(ignored));
      Accept();
      if (!stalled_) {
        for (auto link = links_.begin(); link != links_.end();) {
          if (Pass(*link)) {
            ++link;
          } else {
            CloseBoth(*link, false);
            link = links_.erase(link);
          }
        }
      }
      if (armed_ && bytes_left_ <= 0 && !links_.empty()) Cut();
    }
  }

  // Reads when there is room, writes when there is something.
  static short Events(const std::string& read_into, const std::string& write_from) {
    int events = 0;
    if (read_into.size() < kBuffer) events |= POLLIN;
    if (!write_from.empty()) events |= POLLOUT;
    return static_cast<short>(events);
  }

  void Accept() {
    const int client = ::accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK);
    if (client < 0) return;
    const int server = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = Loopback(target_port_);
    if (::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      ::close(server);
      ::close(client);
      return;
    }
    const int on = 1;
    for (const int fd : {client, server}) {
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    links_.push_back({client, server, {}, {}});
  }

  bool Pass(Link& link) {
    return Read(link.client, link.to_server, nullptr) && Write(link.server, link.to_server) &&
           Read(link.server, link.to_client, &bytes_left_) && Write(link.client, link.to_client);
  }

  bool Read(int fd, std::string& into, std::atomic<std::int64_t>* left) {
    if (into.size() >= kBuffer) return true;
    char buffer[kBuffer];
    std::size_t limit = sizeof(buffer);
    // Not one byte more than the cut allows.
    if (left != nullptr && armed_) {
      const std::int64_t allowed = *left;
      if (allowed <= 0) return true;
      limit = std::min(limit, static_cast<std::size_t>(allowed));
    }
    const ssize_t got = ::recv(fd, buffer, limit, MSG_DONTWAIT);
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    into.append(buffer, static_cast<std::size_t>(got));
    if (left != nullptr && armed_) *left -= got;
    return true;
  }

  bool Write(int fd, std::string& from) {
    if (from.empty()) return true;
    const ssize_t sent = ::send(fd, from.data(), from.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    from.erase(0, static_cast<std::size_t>(sent));
    return true;
  }

  void Cut() {
    for (const Link& link : links_) CloseBoth(link, reset_);
    links_.clear();
    armed_ = false;
    ++cuts_;
  }

  static void CloseBoth(const Link& link, bool reset) {
    for (const int fd : {link.client, link.server}) {
      if (reset) {
        const linger hard{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
      }
      ::close(fd);
    }
  }

  const std::uint16_t target_port_;
  const int listen_fd_;
  const int wake_fd_;
  std::string endpoint_;
  std::list<Link> links_;  // of the thread
  std::atomic<bool> armed_{false};
  std::atomic<bool> reset_{false};
  std::atomic<bool> stalled_{false};
  std::atomic<bool> stop_{false};
  std::atomic<std::int64_t> bytes_left_{0};
  std::atomic<int> cuts_{0};
  std::thread thread_;
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_CUTTING_PROXY_H_
