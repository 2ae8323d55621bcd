#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_CHUNKED_VECTOR_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_CHUNKED_VECTOR_H_

// A vector that grows by chunks: elements never move, and growing neither copies nor doubles the
// memory of millions of records. Indices are dense, from 0. Not thread-safe.

#include <cstddef>
#include <memory>
#include <vector>

namespace unipresence {

template <typename T, std::size_t kChunkBits = 12>
class ChunkedVector {
 public:
  static constexpr std::size_t kChunkSize = std::size_t{1} << kChunkBits;

  T& operator[](std::size_t i) { return chunks_[i >> kChunkBits][i & (kChunkSize - 1)]; }
  const T& operator[](std::size_t i) const {
    return chunks_[i >> kChunkBits][i & (kChunkSize - 1)];
  }

  T& emplace_back() {
    if ((size_ & (kChunkSize - 1)) == 0 && (size_ >> kChunkBits) == chunks_.size()) {
      chunks_.push_back(std::make_unique<T[]>(kChunkSize));
    }
    ++size_;
    return (*this)[size_ - 1];
  }

  std::size_t size() const { return size_; }

 private:
  std::vector<std::unique_ptr<T[]>> chunks_;
  std::size_t size_ = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_CHUNKED_VECTOR_H_
