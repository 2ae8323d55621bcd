#ifndef UNIPRESENCE_TESTS_UNIT_AMI_FAKE_ASTERISK_H_
#define UNIPRESENCE_TESTS_UNIT_AMI_FAKE_ASTERISK_H_

// A small AMI server on 127.0.0.1 for tests of the transport: greets, answers Challenge, Login,
// Ping and DBPut, and says what the test wants. It is no model of Asterisk's behaviour.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <asio.hpp>
#include <asio/ssl.hpp>

#include "aggregator/ami/framer.h"

namespace unipresence::ami {

class FakeAsterisk {
 public:
  // Listens at once. With `tls` all links speak TLS.
  explicit FakeAsterisk(asio::io_context& io, asio::ssl::context* tls = nullptr)
      : acceptor_(io, {asio::ip::address_v4::loopback(), 0}), tls_(tls) {
    Accept();
  }
  ~FakeAsterisk() { StopListening(); }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  // What it does with the next links.
  std::string banner = "Asterisk Call Manager/11.0.0\r\n";
  bool refuse_login = false;
  bool answer = true;          // false: mute after the login
  bool read = true;            // false: the actions stay in the kernel after the login
  bool close_at_once = false;  // before the banner

  // On the newest link.
  void Say(std::string_view bytes) {
    if (!links_.empty()) Write(links_.back(), bytes);
  }
  void Hangup() {
    if (!links_.empty()) links_.back()->socket.close();
  }
  void StopListening() {
    asio::error_code ignored;
    acceptor_.close(ignored);
    for (const auto& link : links_) link->socket.close(ignored);
    links_.clear();
  }

  std::size_t links() const { return links_.size(); }
  const std::vector<std::string>& actions() const { return actions_; }  // names

 private:
  struct Link {
    Link(asio::ip::tcp::socket s, asio::ssl::context* tls_context) : socket(std::move(s)) {
      if (tls_context != nullptr) tls.emplace(socket, *tls_context);
    }
    asio::ip::tcp::socket socket;
    std::optional<asio::ssl::stream<asio::ip::tcp::socket&>> tls;
    Framer framer;
    std::string writing;
    std::string queued;
    bool logged_in = false;
  };
  using LinkPtr = std::shared_ptr<Link>;

  void Accept() {
    acceptor_.async_accept([this](const asio::error_code& error, asio::ip::tcp::socket socket) {
      if (error) return;
      socket.set_option(asio::ip::tcp::no_delay(true));  // as Asterisk does
      auto link = std::make_shared<Link>(std::move(socket), tls_);
      links_.push_back(link);
      if (close_at_once) {
        link->socket.close();
      } else if (link->tls.has_value()) {
        link->tls->async_handshake(asio::ssl::stream_base::server,
                                   [this, link](const asio::error_code& failed) {
                                     if (!failed) Greet(link);
                                   });
      } else {
        Greet(link);
      }
      Accept();
    });
  }

  void Greet(const LinkPtr& link) {
    Write(link, banner);
    Read(link);
  }

  void Read(const LinkPtr& link) {
    if (link->logged_in && !read) return;
    const std::span<char> room = link->framer.Prepare(4096);
    const auto done = [this, link](const asio::error_code& error, std::size_t size) {
      if (error) return;
      link->framer.Commit(size);
      while (const Message* action = link->framer.Next()) Answer(link, *action);
      Read(link);
    };
    const auto buffer = asio::buffer(room.data(), room.size());
    if (link->tls.has_value()) {
      link->tls->async_read_some(buffer, done);
    } else {
      link->socket.async_read_some(buffer, done);
    }
  }

  void Answer(const LinkPtr& link, const Message& action) {
    const std::string_view name = action.Get("Action");
    actions_.emplace_back(name);
    if (link->logged_in && !answer) return;
    const std::string id = "ActionID: " + std::string(action.Get("ActionID")) + "\r\n";
    if (name == "Challenge") {
      Write(link, "Response: Success\r\n" + id + "Challenge: 42\r\n\r\n");
    } else if (name == "Login" && refuse_login) {
      Write(link, "Response: Error\r\n" + id + "Message: Authentication failed\r\n\r\n");
    } else if (name == "Login") {
      link->logged_in = true;
      Write(link,
            "Response: Success\r\n" + id + "Message: Authentication accepted\r\n\r\n" +
                "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n");
    } else {
      Write(link, "Response: Success\r\n" + id + "Message: done\r\n\r\n");
    }
  }

  void Write(const LinkPtr& link, std::string_view bytes) {
    link->queued += bytes;
    if (link->writing.empty()) WriteMore(link);
  }

  void WriteMore(const LinkPtr& link) {
    std::swap(link->writing, link->queued);
    const auto done = [this, link](const asio::error_code& error, std::size_t) {
      link->writing.clear();
      if (!error && !link->queued.empty()) WriteMore(link);
    };
    if (link->tls.has_value()) {
      asio::async_write(*link->tls, asio::buffer(link->writing), done);
    } else {
      asio::async_write(link->socket, asio::buffer(link->writing), done);
    }
  }

  asio::ip::tcp::acceptor acceptor_;
  asio::ssl::context* tls_;
  std::vector<LinkPtr> links_;
  std::vector<std::string> actions_;
};

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_TESTS_UNIT_AMI_FAKE_ASTERISK_H_
