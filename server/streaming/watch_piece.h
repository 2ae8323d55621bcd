#ifndef UNIPRESENCE_SERVER_STREAMING_WATCH_PIECE_H_
#define UNIPRESENCE_SERVER_STREAMING_WATCH_PIECE_H_

// Wire bytes of a WatchPresencesResponse, gathered from the logs of the watch streams.
//
// Thread: the watch thread's.

#include <grpcpp/support/slice.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"

namespace unipresence {

// Whole updates, or mailboxes, with their tags.
struct WatchPiece {
  std::vector<grpc::Slice> slices;
  std::size_t bytes = 0;
  std::size_t updates = 0;
  std::size_t missed = 0;  // changes that the receiver does not see, for they were merged
  std::uint64_t next = 0;  // the reader's new place

  // All but `next`.
  void Append(WatchPiece other) {
    std::move(other.slices.begin(), other.slices.end(), std::back_inserter(slices));
    bytes += other.bytes;
    updates += other.updates;
    missed += other.missed;
  }
};

// True for a change that the reader has already.
using SkipChange = absl::FunctionRef<bool(std::string_view user, std::uint64_t sequence)>;

// Gathers runs of bytes of slices: long ones by reference, short ones copied together.
class PieceGatherer {
 public:
  explicit PieceGatherer(WatchPiece& piece) : piece_(piece) {}

  // One update. Those that touch each other within one slice become one run. The slice must stay
  // where it is until Finish().
  void Add(const grpc::Slice& slice, std::size_t offset, std::size_t size) {
    if (slice_ != &slice || end_ != offset) {
      EndRun();
      slice_ = &slice;
      begin_ = offset;
    }
    end_ = offset + size;
    piece_.bytes += size;
    ++piece_.updates;
  }
  void Finish() {
    EndRun();
    EndCopy();
  }

 private:
  // A run below this is copied instead of referred to: a slice costs more than that.
  static constexpr std::size_t kReferBytes = 512;

  void EndRun() {
    if (slice_ == nullptr) return;
    if (end_ - begin_ < kReferBytes) {
      copied_.append(reinterpret_cast<const char*>(slice_->begin()) + begin_, end_ - begin_);
    } else {
      EndCopy();
      piece_.slices.push_back(slice_->sub(begin_, end_));
    }
    slice_ = nullptr;
  }
  void EndCopy() {
    if (copied_.empty()) return;
    piece_.slices.emplace_back(copied_);
    copied_.clear();
  }

  WatchPiece& piece_;
  const grpc::Slice* slice_ = nullptr;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string copied_;
};

// The bytes of a slice that nobody else refers to there. A short slice holds its bytes within
// itself: they move with it, so it must be where it stays.
inline char* MutableData(grpc::Slice& slice) {
  return reinterpret_cast<char*>(const_cast<std::uint8_t*>(slice.begin()));
}

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_WATCH_PIECE_H_
