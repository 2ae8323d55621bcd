#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_SUBSCRIPTION_TABLE_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_SUBSCRIPTION_TABLE_H_

// Which topics somebody wants, whose turn it is to be refreshed, and whose change waits because a
// subscriber's queue is full.
//
// Fed with the messages of an XPUB socket in mode XPUB_VERBOSE: a byte 1 and a topic for each new
// subscription, also when others have the topic already; a byte 0 and a topic when its last
// subscriber unsubscribed or vanished. So the table is a set and nothing is counted. Pure. Not
// thread-safe.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "aggregator/base/strings.h"

namespace unipresence::publish {

// Topics as replication.proto gives them; the NUL ends the topic and belongs to it.
inline constexpr std::string_view kStreamTopic{"all\0", 4};
inline constexpr std::string_view kHeartbeatTopic{"heartbeat\0", 10};
inline constexpr std::string_view kUserTopicPrefix{"user/"};

// Longer ids there are not (User::id).
inline constexpr std::size_t kMaxTopicUserBytes = 64;
// "user/<id>\0".
std::string UserTopic(std::string_view user);

class SubscriptionTable {
 public:
  enum class Change : std::uint8_t {
    kStream,     // somebody newly subscribed to `all`: he waits for a heartbeat
    kHeartbeat,  // the same for `heartbeat`
    kUser,       // the same for `user/<id>`
    kEnded,      // a topic lost its last subscriber
    kUnknown,    // no such topic, or no subscription message at all
  };

  // Takes in one message of the XPUB.
  Change Apply(std::string_view message);

  bool stream() const { return stream_; }
  bool heartbeat() const { return heartbeat_; }
  bool any_user() const { return !order_.empty(); }
  std::size_t topic_count() const {
    return user_count() + (stream_ ? 1 : 0) + (heartbeat_ ? 1 : 0);
  }
  std::size_t user_count() const { return order_.size(); }
  bool user(std::string_view id) const { return users_.contains(ToAbsl(id)); }

  // The user's value waits to be sent, until Sent(); once, however often it is said. Who loses his
  // last subscriber waits no more. Nothing for users whom nobody wants.
  void Wait(std::string_view id);
  bool waits(std::string_view id) const;
  std::size_t waiting_count() const { return waiting_.size(); }
  // One of them; there must be one. Valid until the next Apply or Sent.
  std::string_view waiting() const { return waiting_.back()->first; }
  // What waiting() named waits no more.
  void Sent();

  // The next user of the current round of refreshes; empty at the end of the round. Valid until the
  // next Apply. Whoever is subscribed during a whole round is named in it, whatever comes and goes
  // meanwhile.
  std::string_view NextToRefresh();
  void StartRefreshRound() { refresh_cursor_ = order_.size(); }

 private:
  static constexpr std::size_t kDoesNotWait = static_cast<std::size_t>(-1);
  struct Places {
    std::size_t in_order = 0;
    std::size_t in_waiting = kDoesNotWait;
  };
  // Nodes keep their address.
  using Users = absl::node_hash_map<std::string, Places>;

  void AddUser(std::string_view id);
  bool RemoveUser(std::string_view id);
  void WaitNoMore(Places& places);

  bool stream_ = false;
  bool heartbeat_ = false;
  Users users_;
  std::vector<Users::value_type*> order_;
  std::vector<Users::value_type*> waiting_;
  // The round goes downwards: users before the cursor are still to come. A removal fills its hole
  // from the end, which can only bring a user that was named already before the cursor again.
  std::size_t refresh_cursor_ = 0;
};

}  // namespace unipresence::publish

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_SUBSCRIPTION_TABLE_H_
