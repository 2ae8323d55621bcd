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

absl::Status ReadPieces(const std::string& path, std::size_t max_bytes,
                        absl::FunctionRef<void(std::string_view)> take) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return ErrorOf(path, errno);
  std::string piece(std::size_t{1} << 16, '\0');
  std::size_t size = 0;
  absl::Status status;
  while (status.ok()) {
    const ssize_t got = ::read(descriptor, piece.data(), piece.size());
    if (got == 0) break;
    if (got < 0) {
      if (errno != EINTR) status = ErrorOf(path, errno);
      continue;
    }
    size += static_cast<std::size_t>(got);
    if (size <= max_bytes) {
      take(std::string_view(piece).substr(0, static_cast<std::size_t>(got)));
    } else {
      status = absl::InvalidArgumentError(
          fmt::format("'{}' is larger than {} bytes; is it the right file?", path, max_bytes));
    }
  }
  ::close(descriptor);
  return status;
}

absl::StatusOr<std::string> ReadFile(const std::string& path, std::size_t max_bytes) {
  std::string content;
  absl::Status status =
      ReadPieces(path, max_bytes, [&](std::string_view piece) { content += piece; });
  if (!status.ok()) return status;
  return content;
}

}  // namespace unipresence::config
