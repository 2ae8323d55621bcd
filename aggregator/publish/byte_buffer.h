#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_BYTE_BUFFER_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_BYTE_BUFFER_H_

// A growing buffer of bytes that does not clear memory before it is written, unlike
// std::string::resize. Keeps its memory over clear(). Not thread-safe.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace unipresence::publish {

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;

  // At least `bytes` of writable memory behind the end, valid until the next non-const call. What
  // was written there becomes part of the buffer by Commit.
  char* Reserve(std::size_t bytes) {
    if (capacity_ - size_ < bytes) Grow(bytes);
    return data_.get() + size_;
  }
  // `end` lies in the memory that Reserve returned.
  void Commit(const char* end) { size_ = static_cast<std::size_t>(end - data_.get()); }

  void Append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void clear() { size_ = 0; }

  const char* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data_.get(), size_}; }

 private:
  void Grow(std::size_t bytes) {
    const std::size_t capacity = std::max<std::size_t>({capacity_ * 2, size_ + bytes, 256});
    std::unique_ptr<char[]> data(new char[capacity]);
    if (size_ != 0) std::memcpy(data.get(), data_.get(), size_);
    data_ = std::move(data);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace unipresence::publish

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_BYTE_BUFFER_H_
