#include "server/storage/file_identity.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace unipresence {
namespace {

absl::Status Missing(const std::string& path) {
  return absl::UnavailableError(
      errno == ENOENT || errno == ENOTDIR
          ? fmt::format("the file '{}' was deleted or moved away", path)
          : fmt::format("the file '{}' cannot be looked at: {}", path, std::strerror(errno)));
}

}  // namespace

absl::StatusOr<FileIdentity> FileIdentity::Of(std::string path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return Missing(path);
  FileIdentity identity;
  identity.path_ = std::move(path);
  identity.device_ = status.st_dev;
  identity.inode_ = status.st_ino;
  return identity;
}

void FileIdentity::NoteSize() {
  struct stat status {};
  if (::stat(path_.c_str(), &status) == 0) size_ = status.st_size;
}

absl::Status FileIdentity::CheckSize() const {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return Missing(path_);
  if (status.st_size >= size_) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("the file '{}' was cut from {} to {} bytes", path_,
                                            size_, static_cast<long long>(status.st_size)));
}

absl::Status FileIdentity::Check() const {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return Missing(path_);
  if (status.st_dev == device_ && status.st_ino == inode_) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("the file '{}' was replaced by another one", path_));
}

}  // namespace unipresence
