#ifndef UNIPRESENCE_TESTS_TESTING_ZMQ_PEER_H_
#define UNIPRESENCE_TESTS_TESTING_ZMQ_PEER_H_

// A publisher and raw ZeroMQ peers of it, driven by one thread: whenever the test waits for
// something, the publisher's descriptors are watched and its events handled, as the pipeline does.

#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <zmq.hpp>

#include "aggregator/publish/decoder.h"
#include "aggregator/publish/publisher.h"
#include "aggregator/publish/subscription_table.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_presence_table.h"
#include "unipresence/v1/replication.pb.h"

namespace unipresence::testing {

class PublisherFixture : public ::testing::Test {
 protected:
  static constexpr std::chrono::seconds kPatience{100};

  void Start(publish::PublisherOptions options = {}) {
    publisher_.emplace(std::move(options), clock_);
    table_.SetSink(&*publisher_);
    const absl::Status status = publisher_->Bind(table_);
    ASSERT_TRUE(status.ok()) << status;
  }

  // Handles the publisher's events until `done`, or fails after a while. `fd` is watched as well.
  void RunUntil(const std::function<bool()>& done, int fd = -1) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (true) {
      const bool more = publisher_->HandleEvents();
      if (done()) return;
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "it never happened";
      pollfd fds[] = {{publisher_->publish_fd(), POLLIN, 0},
                      {publisher_->snapshot_fd(), POLLIN, 0},
                      {fd, POLLIN, 0}};
      // The bound lets events of descriptors that are not watched here be seen.
      ::poll(fds, fd < 0 ? 2 : 3, more ? 0 : 20);
    }
  }

  // Handles events until the publisher has taken in this many subscriptions in all.
  void AwaitSubscriptions(std::uint64_t count) {
    RunUntil([&] { return publisher_->probe().subscriptions.value() >= count; });
  }

  zmq::socket_t Connect(zmq::socket_type type, const std::string& endpoint) {
    zmq::socket_t socket(context_, type);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::sndhwm, 0);
    socket.set(zmq::sockopt::rcvhwm, 0);
    socket.connect(endpoint);
    return socket;
  }

  // A SUB with these topics.
  zmq::socket_t Subscribe(std::initializer_list<std::string_view> topics) {
    zmq::socket_t socket = Connect(zmq::socket_type::sub, publisher_->publish_endpoint());
    for (const std::string_view topic : topics) {
      socket.set(zmq::sockopt::subscribe, zmq::const_buffer(topic.data(), topic.size()));
    }
    return socket;
  }

  // The next message; waits for it.
  std::string Receive(zmq::socket_t& socket) {
    std::string message;
    RunUntil(
        [&] {
          zmq::message_t frame;
          if (!socket.recv(frame, zmq::recv_flags::dontwait)) return false;
          message = frame.to_string();
          return true;
        },
        socket.get(zmq::sockopt::fd));
    return message;
  }

  // What is there already, after the publisher's events were handled.
  std::optional<std::string> TryReceive(zmq::socket_t& socket) {
    zmq::message_t frame;
    if (!socket.recv(frame, zmq::recv_flags::dontwait)) return std::nullopt;
    return frame.to_string();
  }

  // The next StreamFrame of that topic.
  v1::StreamFrame ReceiveStream(zmq::socket_t& socket,
                                std::string_view topic = publish::kStreamTopic) {
    const std::string message = Receive(socket);
    v1::StreamFrame frame;
    EXPECT_TRUE(std::string_view(message).starts_with(topic)) << message;
    EXPECT_TRUE(frame.ParseFromString(message.substr(topic.size())));
    return frame;
  }

  v1::UserFrame ReceiveUser(zmq::socket_t& socket, std::string_view user) {
    const std::string topic = publish::UserTopic(user);
    const std::string message = Receive(socket);
    v1::UserFrame frame;
    EXPECT_TRUE(message.starts_with(topic)) << message;
    EXPECT_TRUE(frame.ParseFromString(message.substr(topic.size())));
    return frame;
  }

  v1::SnapshotReply Ask(zmq::socket_t& dealer, const v1::SnapshotRequest& request) {
    dealer.send(zmq::buffer(request.SerializeAsString()), zmq::send_flags::dontwait);
    v1::SnapshotReply reply;
    EXPECT_TRUE(reply.ParseFromString(Receive(dealer)));
    EXPECT_EQ(reply.request_id(), request.request_id());
    return reply;
  }

  // All pages.
  FakePresenceTable::Values Pull(zmq::socket_t& dealer, v1::SnapshotRequest request = {}) {
    FakePresenceTable::Values values;
    do {
      const v1::SnapshotReply reply = Ask(dealer, request);
      EXPECT_FALSE(reply.has_error()) << reply.error().message();
      for (const v1::Presence& presence : reply.presences()) {
        EXPECT_TRUE(publish::ReadPresence(presence.SerializeAsString(), values[presence.user()]));
      }
      request.set_page_token(reply.next_page_token());
    } while (!request.page_token().empty());
    return values;
  }

  FakeClock clock_;
  FakePresenceTable table_{42};
  zmq::context_t context_{1};
  std::optional<publish::Publisher> publisher_;
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_ZMQ_PEER_H_
