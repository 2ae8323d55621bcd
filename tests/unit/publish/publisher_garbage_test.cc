// Whatever strangers send to the publisher's two ports, it goes on serving.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "tests/testing/zmq_peer.h"

namespace unipresence::publish {
namespace {

using namespace std::string_literals;  // NOLINT: for texts with NUL bytes
using ::testing::HasSubstr;

// A plain TCP connection to "tcp://127.0.0.1:PORT".
class RawConnection {
 public:
  explicit RawConnection(const std::string& endpoint) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~RawConnection() { ::close(fd_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // Sends as far as the peer takes it; it may well have closed.
  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  int fd() const { return fd_; }
  // The peer closed the connection.
  bool Closed() {
    char buffer[4096];
    while (true) {
      const ssize_t got = ::recv(fd_, buffer, sizeof(buffer), MSG_DONTWAIT);
      if (got > 0) continue;
      return got == 0 || errno == ECONNRESET;
    }
  }

 private:
  int fd_;
};

// ZMTP 3.1 greeting of a peer with the NULL mechanism (rfc.zeromq.org/spec/37), and its READY
// command.
std::string Greeting() {
  std::string greeting = "\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL"s;
  greeting.resize(64, '\0');
  return greeting;
}
std::string Ready(std::string_view socket_type) {
  std::string body = "\5READY\13Socket-Type\0\0\0"s;
  body.push_back(static_cast<char>(socket_type.size()));
  body.append(socket_type);
  return "\4"s + static_cast<char>(body.size()) + body;
}

class PublisherGarbageTest : public ::unipresence::testing::PublisherFixture {
 protected:
  void SetUp() override {
    Start();
    for (int i = 0; i < 100; ++i) table_.Set("user" + std::to_string(i), PresenceState::kBusy);
    publisher_->Flush();
  }

  void ExpectServes() {
    zmq::socket_t sub = Subscribe({kStreamTopic});
    EXPECT_TRUE(ReceiveStream(sub).has_heartbeat());
    zmq::socket_t dealer = Connect(zmq::socket_type::dealer, publisher_->snapshot_endpoint());
    EXPECT_EQ(Pull(dealer), table_.values());
  }
};

TEST_F(PublisherGarbageTest, RandomBytesOnBothPorts) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    for (const std::string& endpoint :
         {publisher_->publish_endpoint(), publisher_->snapshot_endpoint()}) {
      RawConnection connection(endpoint);
      std::string bytes = round % 2 == 0 ? std::string() : Greeting() + Ready("DEALER");
      for (int i = 0; i < 2000; ++i) bytes.push_back(static_cast<char>(random()));
      connection.Send(bytes);
      publisher_->HandleEvents();
    }
  }
  ExpectServes();
}

TEST_F(PublisherGarbageTest, ATruncatedHandshakeAtEachByte) {
  const std::string handshake = Greeting() + Ready("DEALER") + "\0\4\x08\7\x20\1"s;
  for (std::size_t cut = 0; cut <= handshake.size(); ++cut) {
    RawConnection connection(publisher_->snapshot_endpoint());
    connection.Send(std::string_view(handshake).substr(0, cut));
    publisher_->HandleEvents();
  }
  ExpectServes();
}

TEST_F(PublisherGarbageTest, FramesThatAreTooLongEndTheConnection) {
  const struct {
    const char* name;
    std::string endpoint;
    const char* socket_type;
    std::string frame;  // its head: flags "long", 8 bytes of length
  } rows[] = {
      {"a request of 2 MiB", publisher_->snapshot_endpoint(), "DEALER", "\2\0\0\0\0\0\x20\0\0"s},
      {"a request of 8 EiB", publisher_->snapshot_endpoint(), "DEALER",
       "\2\x7f\xff\xff\xff\xff\xff\xff\xff"s},
      {"a request of more than all", publisher_->snapshot_endpoint(), "DEALER",
       "\2\xff\xff\xff\xff\xff\xff\xff\xff"s},
      {"a subscription of 4 KiB", publisher_->publish_endpoint(), "SUB", "\2\0\0\0\0\0\0\x10\0"s},
      {"a subscription longer than any user's", publisher_->publish_endpoint(), "SUB", "\0\x61"s},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    RawConnection connection(row.endpoint);
    connection.Send(Greeting() + Ready(row.socket_type) + row.frame);
    RunUntil([&] { return connection.Closed(); }, connection.fd());
  }
  ExpectServes();
}

TEST_F(PublisherGarbageTest, TheLongestTopicOfAUserIsTaken) {
  const std::string id(kMaxTopicUserBytes, 'u');
  table_.Set(id, PresenceState::kBusy);
  publisher_->Flush();
  zmq::socket_t sub = Connect(zmq::socket_type::sub, publisher_->publish_endpoint());
  sub.set(zmq::sockopt::subscribe, UserTopic(id));
  AwaitSubscriptions(1);
  table_.Set(id, PresenceState::kAvailable);
  publisher_->Flush();
  EXPECT_EQ(ReceiveUser(sub, id).epoch(), 42u);
}

TEST_F(PublisherGarbageTest, ProperZmtpWithImproperContents) {
  zmq::socket_t dealer = Connect(zmq::socket_type::dealer, publisher_->snapshot_endpoint());
  const std::string garbage[] = {"",
                                 "\xff",
                                 "hello",
                                 std::string(1 << 20, '\xff'),
                                 std::string(1 << 20, '\0'),
                                 "\x12\x02\xff\xfe"};
  for (const std::string& bytes : garbage) {
    dealer.send(zmq::buffer(bytes), zmq::send_flags::dontwait);
    v1::SnapshotReply reply;
    ASSERT_TRUE(reply.ParseFromString(Receive(dealer)));
    EXPECT_EQ(reply.epoch(), 42u);
    EXPECT_EQ(reply.has_error(), !bytes.empty());  // no bytes at all are a request for everything
  }
  EXPECT_EQ(publisher_->probe().bad_requests.value(), std::size(garbage) - 1);
  EXPECT_EQ(Pull(dealer), table_.values());
  ExpectServes();
}

TEST_F(PublisherGarbageTest, MessagesOfSeveralFramesAreRefused) {
  zmq::socket_t dealer = Connect(zmq::socket_type::dealer, publisher_->snapshot_endpoint());
  for (int i = 0; i < 1000; ++i) dealer.send(zmq::str_buffer("x"), zmq::send_flags::sndmore);
  dealer.send(zmq::str_buffer("x"), zmq::send_flags::none);
  v1::SnapshotReply reply;
  ASSERT_TRUE(reply.ParseFromString(Receive(dealer)));
  EXPECT_EQ(reply.error().reason(), v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_THAT(reply.error().message(), HasSubstr("1001 frames"));

  zmq::socket_t req = Connect(zmq::socket_type::req, publisher_->snapshot_endpoint());
  req.send(zmq::buffer(v1::SnapshotRequest().SerializeAsString()), zmq::send_flags::none);
  RunUntil([&] { return publisher_->probe().bad_requests.value() == 2; });
  ExpectServes();
}

TEST_F(PublisherGarbageTest, ARequesterWhoLeavesOrDoesNotReadIsDropped) {
  {
    zmq::socket_t gone = Connect(zmq::socket_type::dealer, publisher_->snapshot_endpoint());
    gone.send(zmq::buffer(v1::SnapshotRequest().SerializeAsString()), zmq::send_flags::none);
    zmq::pollitem_t item{nullptr, publisher_->snapshot_fd(), ZMQ_POLLIN, 0};
    zmq::poll(&item, 1, kPatience);
  }
  for (int i = 0; i < 20'000; ++i) table_.Set("many" + std::to_string(i), PresenceState::kBusy);
  publisher_->Flush();
  zmq::socket_t deaf(context_, zmq::socket_type::dealer);
  deaf.set(zmq::sockopt::linger, 0);
  deaf.set(zmq::sockopt::rcvhwm, 1);
  deaf.set(zmq::sockopt::rcvbuf, 4096);
  deaf.connect(publisher_->snapshot_endpoint());
  v1::SnapshotRequest request;
  request.set_max_bytes(1 << 20);
  for (int i = 0; i < 200; ++i) {
    deaf.send(zmq::buffer(request.SerializeAsString()), zmq::send_flags::none);
  }
  RunUntil([&] { return publisher_->probe().dropped_replies.value() > 0; });
  ExpectServes();
}

TEST_F(PublisherGarbageTest, OtherSocketsAndTopicsAreIgnored) {
  // An XSUB may send what is no subscription.
  zmq::socket_t xsub = Connect(zmq::socket_type::xsub, publisher_->publish_endpoint());
  for (const std::string& message :
       {"hello"s, "\2all\0"s, "\1"s, "\1user/"s, "\1all"s, ""s, "\1"s + std::string(80, 'x')}) {
    xsub.send(zmq::buffer(message), zmq::send_flags::none);
  }
  xsub.send(zmq::buffer("\1all\0"s), zmq::send_flags::none);
  EXPECT_TRUE(ReceiveStream(xsub).has_heartbeat());
  EXPECT_GE(publisher_->probe().unknown_topics.value(), 4u);
  // A PUSH does not fit a ROUTER, and a DEALER not an XPUB.
  zmq::socket_t push = Connect(zmq::socket_type::push, publisher_->snapshot_endpoint());
  zmq::socket_t dealer = Connect(zmq::socket_type::dealer, publisher_->publish_endpoint());
  dealer.send(zmq::str_buffer("hello"), zmq::send_flags::dontwait);
  ExpectServes();
}

TEST_F(PublisherGarbageTest, TwoPeersOfOneIdentity) {
  zmq::socket_t first(context_, zmq::socket_type::dealer);
  first.set(zmq::sockopt::routing_id, "same");
  first.set(zmq::sockopt::linger, 0);
  first.connect(publisher_->snapshot_endpoint());
  EXPECT_EQ(Pull(first), table_.values());
  zmq::socket_t second(context_, zmq::socket_type::dealer);
  second.set(zmq::sockopt::routing_id, "same");
  second.set(zmq::sockopt::linger, 0);
  second.connect(publisher_->snapshot_endpoint());
  second.send(zmq::buffer(v1::SnapshotRequest().SerializeAsString()), zmq::send_flags::none);
  // The first one is not robbed of its place.
  EXPECT_EQ(Pull(first), table_.values());
  ExpectServes();
}

}  // namespace
}  // namespace unipresence::publish
