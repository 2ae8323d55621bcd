#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_BATCH_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_BATCH_H_

// The encoded changes of one Flush(), for consumers on other threads (the gRPC watch hub).
//
// A batch is made by the publisher on the pipeline thread and never changes afterwards; whoever
// holds the shared_ptr may read it on any thread.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "aggregator/publish/byte_buffer.h"

namespace unipresence::publish {

class Batch {
 public:
  explicit Batch(std::uint64_t epoch) : epoch_(epoch) {}

  std::uint64_t epoch() const { return epoch_; }
  // Number of changes, at least 1. They have consecutive sequences.
  std::size_t size() const { return records_.size(); }
  std::uint64_t first_sequence() const { return first_sequence_; }
  std::uint64_t last_sequence() const { return first_sequence_ + records_.size() - 1; }
  std::uint64_t sequence(std::size_t i) const { return first_sequence_ + i; }
  std::uint64_t revision(std::size_t i) const { return records_[i].revision; }
  // The user was deleted.
  bool removed(std::size_t i) const { return records_[i].removed; }
  std::string_view user(std::size_t i) const {
    return {bytes_.data() + records_[i].offset, records_[i].user_size};
  }
  // A serialized unipresence.v1.PresenceUpdate, or Mailbox, without tag and length.
  std::string_view update(std::size_t i) const {
    return {bytes_.data() + records_[i].offset + records_[i].user_size, records_[i].update_size};
  }

  // For the maker: the next change; `sequence` is one more than that of the change before.
  void Add(std::string_view user, std::uint64_t sequence, std::uint64_t revision, bool removed,
           std::string_view update) {
    if (records_.empty()) first_sequence_ = sequence;
    records_.push_back({.offset = bytes_.size(),
                        .revision = revision,
                        .user_size = static_cast<std::uint32_t>(user.size()),
                        .update_size = static_cast<std::uint32_t>(update.size()),
                        .removed = removed});
    bytes_.Append(user);
    bytes_.Append(update);
  }

 private:
  struct Record {
    std::size_t offset;  // of the user id in `bytes_`; the update follows it
    std::uint64_t revision;
    std::uint32_t user_size;
    std::uint32_t update_size;
    bool removed;
  };

  std::uint64_t epoch_;
  std::uint64_t first_sequence_ = 0;
  std::vector<Record> records_;
  ByteBuffer bytes_;
};

class BatchSink {
 public:
  virtual ~BatchSink() = default;

  // Thread: the pipeline's. Must not block and must not call back into the publisher. Batches come
  // in order of sequence; there is a hole only where batches were not wanted meanwhile.
  virtual void OnBatch(std::shared_ptr<const Batch> batch) = 0;

  // The same for changes of voicemail boxes, which have sequences of their own.
  virtual void OnMailboxes(std::shared_ptr<const Batch> batch) = 0;
};

// Passes all over. Lives until the process ends.
inline BatchSink& NoBatches() {
  class Nobody final : public BatchSink {
    void OnBatch(std::shared_ptr<const Batch>) override {}
    void OnMailboxes(std::shared_ptr<const Batch>) override {}
  };
  static Nobody nobody;
  return nobody;
}

}  // namespace unipresence::publish

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_BATCH_H_
