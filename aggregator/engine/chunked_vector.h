#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_CHUNKED_VECTOR_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_CHUNKED_VECTOR_H_

// A vector that grows by chunks: elements never move, and growing neither copies nor doubles the
// memory of millions of records. Indices are dense, from 0. Chunks begin with a cache line, so that
// a record whose size divides one, or is a multiple of it, touches no line more than it must.
//
// Not thread-safe.

#include <cstddef>
#include <memory>
#include <vector>

namespace unipresence {

template <typename T, std::size_t kChunkBits = 12>
class ChunkedVector {
 public:
  static constexpr std::size_t kChunkSize = std::size_t{1} << kChunkBits;

  T& operator[](std::size_t i) { return chunks_[i >> kChunkBits]->items[i & (kChunkSize - 1)]; }
  const T& operator[](std::size_t i) const {
    return chunks_[i >> kChunkBits]->items[i & (kChunkSize - 1)];
  }

  T& emplace_back() {
    if ((size_ & (kChunkSize - 1)) == 0 && (size_ >> kChunkBits) == chunks_.size()) {
      chunks_.emplace_back(new Chunk);
    }
    ++size_;
    return (*this)[size_ - 1];
  }

  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kCacheLine = 64;  // of x86-64 and ARMv8
  struct alignas(kCacheLine) Chunk {
    T items[kChunkSize] = {};
  };

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::size_t size_ = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_CHUNKED_VECTOR_H_
