#include "server/storage/store_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace unipresence {

absl::StatusOr<std::unique_ptr<StoreLock>> StoreLock::Take(const std::string& store_path) {
  const std::string path = store_path + ".lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return absl::UnavailableError(
        fmt::format("store '{}': cannot make '{}': {}; check that the folder exists and belongs to "
                    "the server's account",
                    store_path, path, std::strerror(errno)));
  }
  std::unique_ptr<StoreLock> lock(new StoreLock(descriptor));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    return absl::UnavailableError(
        error == EWOULDBLOCK
            ? fmt::format(
                  "store '{}': another server has it open; stop it, or set another store.path",
                  store_path)
            : fmt::format("store '{}': cannot lock '{}': {}", store_path, path,
                          std::strerror(error)));
  }
  return lock;
}

StoreLock::~StoreLock() { ::close(descriptor_); }

}  // namespace unipresence
