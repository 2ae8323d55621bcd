#include "aggregator/base/text_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "aggregator/base/status_macros.h"

namespace unipresence {
namespace {

absl::Status FromErrno(int error, std::string_view verb, const std::string& path) {
  return absl::UnavailableError(
      fmt::format("cannot {} {}: {}", verb, path, std::generic_category().message(error)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

absl::Status CheckPath(const std::string& path) {
  if (!path.empty() && path.front() != '.' && path.find('/') == std::string::npos &&
      path.find('\0') == std::string::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("file '{}': give a name without / and without a leading dot", path));
}

absl::StatusOr<std::optional<std::string>> ReadFile(const std::string& path,
                                                    std::size_t max_bytes) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0) {
    if (errno == ENOENT) return std::nullopt;
    if (errno == ELOOP) {
      return absl::UnavailableError(
          fmt::format("{} is a symbolic link; put a file in its place", path));
    }
    return FromErrno(errno, "read", path);
  }
  std::string content;
  char piece[64 << 10];
  while (true) {
    const ssize_t size = read(file.get(), piece, sizeof(piece));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return FromErrno(errno, "read", path);
    if (size == 0) return content;
    content.append(piece, static_cast<std::size_t>(size));
    if (content.size() > max_bytes) {
      return absl::ResourceExhaustedError(
          fmt::format("{} is longer than {} bytes; is it the right file?", path, max_bytes));
    }
  }
}

absl::Status WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t size = write(fd, content.data(), content.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return FromErrno(errno, "write", path);
    content.remove_prefix(static_cast<std::size_t>(size));
  }
  // Else a crash of the machine could leave an empty file under the final name.
  if (fsync(fd) != 0) return FromErrno(errno, "write", path);
  return absl::OkStatus();
}

// A file beside `path` that is to take its place; removed unless it did. Its name is always the
// same, so that of those which a killed process left behind there is never more than one.
class Successor {
 public:
  Successor(const std::string& folder, const std::string& name, std::string_view suffix)
      : path_(folder + "/" + name), successor_(fmt::format("{}/.{}.{}", folder, name, suffix)) {}
  Successor(Successor&& other) noexcept
      : path_(std::move(other.path_)),
        successor_(std::move(other.successor_)),
        temporary_(std::exchange(other.temporary_, {})) {}
  Successor& operator=(Successor&&) = delete;
  ~Successor() {
    if (!temporary_.empty()) unlink(temporary_.c_str());
  }

  absl::Status Write(std::string_view content, mode_t mode) {
    unlink(successor_.c_str());
    const Descriptor file(
        open(successor_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file.get() < 0) return FromErrno(errno, "write", path_);
    temporary_ = successor_;
    struct stat former {};
    if (lstat(path_.c_str(), &former) == 0) {
      // Only root may give a file away; otherwise the new owner must do.
      if (fchown(file.get(), former.st_uid, former.st_gid) != 0 && errno != EPERM) {
        return FromErrno(errno, "write", path_);
      }
    }
    if (fchmod(file.get(), mode) != 0) return FromErrno(errno, "write", path_);
    return WriteAll(file.get(), content, path_);
  }

  // Without anything written: the file goes.
  absl::Status Take() {
    if (temporary_.empty()) {
      return unlink(path_.c_str()) == 0 || errno == ENOENT ? absl::OkStatus()
                                                           : FromErrno(errno, "remove", path_);
    }
    if (rename(temporary_.c_str(), path_.c_str()) != 0) return FromErrno(errno, "write", path_);
    temporary_.clear();
    return absl::OkStatus();
  }

 private:
  std::string path_;
  std::string successor_;
  std::string temporary_;  // successor_ while it is there
};

absl::StatusOr<std::vector<Successor>> Write(const std::string& folder,
                                             std::span<const FileState> files, mode_t mode,
                                             std::string_view suffix) {
  std::vector<Successor> written;
  for (const FileState& file : files) {
    UNIPRESENCE_RETURN_IF_ERROR(CheckPath(file.path));
    Successor& successor = written.emplace_back(folder, file.path, suffix);
    if (!file.content) continue;
    UNIPRESENCE_RETURN_IF_ERROR(successor.Write(*file.content, mode));
  }
  return written;
}

absl::Status SyncFolder(const std::string& folder) {
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || fsync(opened.get()) != 0) return FromErrno(errno, "write", folder);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<FileState>> ReadFiles(const std::string& folder,
                                                 std::span<const std::string> paths,
                                                 std::size_t max_bytes) {
  std::vector<FileState> files;
  for (const std::string& path : paths) {
    UNIPRESENCE_RETURN_IF_ERROR(CheckPath(path));
    UNIPRESENCE_ASSIGN_OR_RETURN(std::optional<std::string> content,
                                 ReadFile(folder + "/" + path, max_bytes));
    files.push_back({path, std::move(content)});
  }
  return files;
}

absl::Status ReplaceFiles(const std::string& folder, std::span<const FileState> files,
                          mode_t mode) {
  std::vector<std::string> paths;
  for (const FileState& file : files) paths.push_back(file.path);
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::vector<FileState> formers,
                               ReadFiles(folder, paths, std::string().max_size()));
  // What may lack room is done for all before the first one changes: their formers are written
  // anew too, for the way back.
  UNIPRESENCE_ASSIGN_OR_RETURN(std::vector<Successor> back, Write(folder, formers, mode, "former"));
  UNIPRESENCE_ASSIGN_OR_RETURN(std::vector<Successor> written, Write(folder, files, mode, "next"));
  for (std::size_t i = 0; i < written.size(); ++i) {
    absl::Status taken = written[i].Take();
    if (taken.ok()) continue;
    for (std::size_t j = 0; j < i; ++j) back[j].Take().IgnoreError();
    return taken;
  }
  return SyncFolder(folder);
}

absl::Status SetModes(const std::string& folder, std::span<const std::string> paths, mode_t mode) {
  for (const std::string& name : paths) {
    UNIPRESENCE_RETURN_IF_ERROR(CheckPath(name));
    const std::string path = folder + "/" + name;
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (file.get() < 0 && errno == ENOENT) continue;
    struct stat now {};
    if (file.get() < 0 || fstat(file.get(), &now) != 0) return FromErrno(errno, "read", path);
    if ((now.st_mode & 07777) == mode) continue;
    if (fchmod(file.get(), mode) != 0) return FromErrno(errno, "change the mode of", path);
  }
  return absl::OkStatus();
}

}  // namespace unipresence
