#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_SNAPSHOT_RESPONDER_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_SNAPSHOT_RESPONDER_H_

// From the bytes of a SnapshotRequest to those of its SnapshotReply (replication.proto), in slices,
// so that a page of thousands of users does not hold up the updates. Knows no socket.
//
//   responder.Begin(request);
//   while (!responder.Work(budget)) { ... let the pipeline read ...; budget = 256; }
//   Send(responder.reply());
//
// Every request is answered, garbage too (SnapshotError). Thread: the pipeline's.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aggregator/engine/presence_source.h"
#include "aggregator/publish/byte_buffer.h"
#include "unipresence/v1/replication.pb.h"

namespace unipresence::publish {

class SnapshotResponder {
 public:
  static constexpr std::size_t kMaxUsers = 10'000;
  static constexpr std::size_t kDefaultBytes = 256 << 10;
  static constexpr std::size_t kMinBytes = 4 << 10;
  static constexpr std::size_t kMaxBytes = 1 << 20;

  // `source` must outlive the responder.
  explicit SnapshotResponder(const PresenceSource& source) : source_(source) {}

  // Starts on a request; what was begun before is given up.
  void Begin(std::string_view request);
  // The same for a message that is not one request frame: an error reply.
  void BeginMalformed(std::string_view why);

  // Visits up to `budget` users and takes the number from it. True when the reply is complete.
  bool Work(std::size_t& budget);

  // Serialized SnapshotReply, once Work returned true; valid until the next Begin.
  std::string_view reply() const { return reply_.view(); }
  // It is a page and no SnapshotError.
  bool is_page() const { return is_page_; }
  // Presences in it.
  std::size_t users() const { return users_; }

 private:
  void Refuse(v1::ErrorReason reason, std::string_view message);
  bool ParseToken(std::string_view token);
  void FinishPage();
  void WorkOnAll(std::size_t& budget);
  void WorkOnList(std::size_t& budget);
  void AddPresence(const Presence& presence);

  const PresenceSource& source_;
  v1::SnapshotRequest request_;  // reused, it keeps its memory
  ByteBuffer reply_;
  std::size_t max_bytes_ = kDefaultBytes;
  std::uint64_t cursor_ = 0;  // of the source, or a place in request_.users()
  std::size_t users_ = 0;
  bool is_page_ = false;
  bool complete_ = true;
};

}  // namespace unipresence::publish

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_SNAPSHOT_RESPONDER_H_
