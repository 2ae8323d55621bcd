#include "server/config/read_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace unipresence::config {
namespace {

absl::Status ErrorOf(const std::string& path, int error) {
  const std::string text = fmt::format("cannot read '{}': {}", path, std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(text);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(text);
    default:
      return absl::UnavailableError(text);
  }
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, std::size_t max_bytes) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return ErrorOf(path, errno);
  std::string content;
  absl::Status status;
  while (status.ok()) {
    constexpr std::size_t kChunk = std::size_t{1} << 16;
    const std::size_t size = content.size();
    content.resize(size + kChunk);
    const ssize_t got = ::read(descriptor, content.data() + size, kChunk);
    content.resize(size + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got == 0) break;
    if (got < 0 && errno != EINTR) status = ErrorOf(path, errno);
    if (content.size() > max_bytes) {
      status = absl::InvalidArgumentError(
          fmt::format("'{}' is larger than {} bytes; is it the right file?", path, max_bytes));
    }
  }
  ::close(descriptor);
  if (!status.ok()) return status;
  return content;
}

}  // namespace unipresence::config
