#include "clients/cli/session_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"

namespace unipresence::cli {
namespace {

constexpr int kVersion = 1;
// A session file has less than 1 kB: whatever is longer is another file, and is not read.
constexpr std::size_t kMaxBytes = 64 << 10;

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status FromErrno(int error, std::string_view what, const std::string& path) {
  const std::string message =
      fmt::format("cannot {} the session file {}: {}", what, path, std::strerror(error));
  const bool forbidden = error == EACCES || error == EPERM || error == EROFS;
  return forbidden ? absl::PermissionDeniedError(message) : absl::UnavailableError(message);
}

absl::StatusOr<std::string> ReadAll(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return absl::UnauthenticatedError(
          fmt::format("not logged in: there is no session file {}", path));
    }
    return FromErrno(errno, "read", path);
  }
  std::string text(kMaxBytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = read(file.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FromErrno(errno, "read", path);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  text.resize(size);
  return text;
}

absl::Status WriteAll(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FromErrno(errno, "write", path);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  // Else a crash of the machine could leave an empty file under the final name.
  if (fsync(fd) != 0) return FromErrno(errno, "write", path);
  return absl::OkStatus();
}

absl::Status MakeFolderOf(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) return absl::OkStatus();
  std::filesystem::path made;
  for (const std::filesystem::path& part : folder) {
    made /= part;
    if (mkdir(made.c_str(), 0700) != 0 && errno != EEXIST && errno != EISDIR) {
      const int error = errno;
      std::error_code ignored;
      if (!std::filesystem::is_directory(made, ignored)) return FromErrno(error, "write", path);
    }
  }
  return absl::OkStatus();
}

std::string Text(const nlohmann::json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// gRPC ends the process that sends other bytes in a header.
bool IsHeaderValue(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

absl::StatusOr<std::string> DefaultSessionFile() {
  constexpr std::string_view kFile = "unipresence/session.json";
  const char* state = std::getenv("XDG_STATE_HOME");
  // The specification has relative paths ignored.
  if (state != nullptr && *state == '/') return fmt::format("{}/{}", state, kFile);
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return fmt::format("{}/.local/state/{}", home, kFile);
  return absl::FailedPreconditionError(
      "no place for the session file: neither HOME nor XDG_STATE_HOME is set; give --session-file "
      "FILE");
}

absl::StatusOr<StoredSession> ReadSessionFile(const std::string& path) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string text, ReadAll(path));
  const nlohmann::json object =
      text.size() > kMaxBytes ? nlohmann::json() : nlohmann::json::parse(text, nullptr, false);
  StoredSession session;
  if (object.is_object()) {
    session.server = Text(object, "server");
    session.user = Text(object, "user");
    session.session = Text(object, "session");
    session.kind = Text(object, "kind");
    session.token = Text(object, "token");
    session.expire_time = Text(object, "expire_time");
  }
  if (!IsHeaderValue(session.token) || session.server.empty()) {
    return absl::InvalidArgumentError(fmt::format(
        "{} is no session file; give another --session-file, or remove it and log in", path));
  }
  return session;
}

absl::Status WriteSessionFile(const std::string& path, const StoredSession& session) {
  UNIPRESENCE_RETURN_IF_ERROR(MakeFolderOf(path));
  const nlohmann::ordered_json object = {
      {"version", kVersion},
      {"server", session.server},
      {"user", session.user},
      {"session", session.session},
      {"kind", session.kind},
      {"token", session.token},
      {"expire_time", session.expire_time},
  };
  std::string temporary = path + ".XXXXXX";
  const FileDescriptor file(mkostemp(temporary.data(), O_CLOEXEC));  // made with mode 0600
  if (file.get() < 0) return FromErrno(errno, "write", path);
  absl::Status status =
      WriteAll(file.get(),
               object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", path);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = FromErrno(errno, "write", path);
  }
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

absl::Status RemoveSessionFile(const std::string& path, const std::string& token) {
  const absl::StatusOr<StoredSession> stored = ReadSessionFile(path);
  if (absl::IsUnauthenticated(stored.status())) return absl::OkStatus();
  UNIPRESENCE_RETURN_IF_ERROR(stored.status());
  if (stored->token != token) return absl::OkStatus();
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return FromErrno(errno, "remove", path);
  return absl::OkStatus();
}

}  // namespace unipresence::cli
