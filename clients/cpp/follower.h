#ifndef UNIPRESENCE_CLIENTS_CPP_FOLLOWER_H_
#define UNIPRESENCE_CLIENTS_CPP_FOLLOWER_H_

// Follows the presences of a server over ZeroMQ: everyone's, or those of some users. It keeps a
// copy of the server's table, tells each change to a listener, notices every gap and heals it.
//
//   class Board : public client::FollowListener {
//     void OnPresence(const publish::PresenceValue& presence,
//                     const publish::ReplicaChange& change) override { Show(presence, change); }
//     void OnRemoved(std::string_view user, const publish::ReplicaChange&) override { Hide(user); }
//     void OnReset() override { Clear(); }
//     void OnCurrent() override { SetStale(false); }
//     void OnGap(client::GapReason) override { SetStale(true); }
//   };
//   client::Follower follower({.publish_address = "tcp://pbx1:5557",
//                              .snapshot_address = "tcp://pbx1:5558"}, board);
//   UNIPRESENCE_RETURN_IF_ERROR(follower.Start());   // a thread of its own
//
// or, instead of Start(), Open() and then Poll() in a loop on a thread of the application.
//
// A follower that reads slowly, or not at all for a while, costs the server nothing: it loses
// frames, notices when it goes on reading, pulls a snapshot, and holds the exact last state of
// every user. Memory is bounded: by the table, and by receive_queue_frames in front of it.
//
// Thread: Open, Poll, table, current and counters on one thread; with Start they and the listener
// are on the follower's own. Interrupt on any.

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "absl/status/status.h"
#include "aggregator/base/clock.h"
#include "clients/cpp/follow_session.h"

namespace unipresence::client {

struct FollowerOptions {
  // The server's settings `zeromq.publish` and `zeromq.snapshot`, as clients see them.
  std::string publish_address = {};
  std::string snapshot_address = {};

  FollowOptions follow = {};

  // Frames that wait to be read by this process (ZMQ_RCVHWM); a frame under load is about 64 KiB.
  // When it is full the server's queue fills up, and then frames are lost.
  int receive_queue_frames = 1'000;
  // Between attempts to connect: doubled from the one up to the other.
  Duration reconnect_interval = std::chrono::milliseconds(100);
  Duration reconnect_max_interval = std::chrono::seconds(5);

  // Where inproc:// addresses live; null: a context of its own.
  zmq::context_t* context = nullptr;
};

class Follower {
 public:
  // `listener` and `clock` must outlive the follower.
  Follower(FollowerOptions options, FollowListener& listener, const Clock& clock = Clock::System());
  // Stops.
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // Begins to connect; that the server is not there is no error, it is tried for ever.
  // INVALID_ARGUMENT names an address that ZeroMQ does not understand, or an id in `users` that no
  // user can have: a server ends the connection of who asks for one. RESOURCE_EXHAUSTED if there
  // are no more descriptors, FAILED_PRECONDITION if opened before.
  absl::Status Open();

  // Waits up to `wait` for messages or for something to be due, deals with it, and returns: at once
  // when there was something, or after Interrupt().
  void Poll(Duration wait);

  // Lets a Poll() that waits, or else the next one, return at once. Any thread.
  void Interrupt();

  // Open(), and Poll() on a thread of its own until Stop(). Same errors.
  absl::Status Start();
  void Stop();

  const publish::ReplicaTable& table() const { return session_.table(); }
  // The listener was told OnCurrent, and not OnGap since.
  bool current() const { return session_.current(); }
  const FollowSession::Counters& counters() const { return session_.counters(); }

 private:
  absl::Status OpenStream();
  absl::Status OpenSnapshot();
  bool DrainStream(bool& idle);
  bool DrainReplies();
  bool DrainMonitor();
  void Execute(const FollowSession::Step& step);
  bool WaitForEvents(Duration wait);

  const FollowerOptions options_;
  const Clock& clock_;
  FollowSession session_;

  std::optional<zmq::context_t> own_context_;
  zmq::context_t* context_ = nullptr;
  std::optional<zmq::socket_t> stream_;
  std::optional<zmq::socket_t> monitor_;  // tells when the stream loses its connection
  std::optional<zmq::socket_t> snapshot_;
  zmq::message_t received_;  // reused
  int interrupt_fd_ = -1;

  std::thread thread_;
  std::atomic<bool> stop_{false};
};

}  // namespace unipresence::client

#endif  // UNIPRESENCE_CLIENTS_CPP_FOLLOWER_H_
