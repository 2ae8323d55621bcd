#ifndef UNIPRESENCE_AGGREGATOR_BASE_TEXT_FILE_H_
#define UNIPRESENCE_AGGREGATOR_BASE_TEXT_FILE_H_

// Files written as a whole, several as one: configuration that another program reads.
//
// Blocking; thread-safe, but two writers of one folder do not wait for each other.

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unipresence {

struct TextFile {
  std::string path;  // within its folder: no '/', no leading '.'
  std::string content;

  friend bool operator==(const TextFile&, const TextFile&) = default;
};

// As a file is, or that there is none.
struct FileState {
  std::string path;  // as in TextFile
  std::optional<std::string> content;

  friend bool operator==(const FileState&, const FileState&) = default;
};

// The present states of the files of these paths. UNAVAILABLE names one that cannot be read, and
// why, such as a symbolic link, which could lead out of the folder; RESOURCE_EXHAUSTED one that is
// longer than `max_bytes`; INVALID_ARGUMENT a path.
absl::StatusOr<std::vector<FileState>> ReadFiles(const std::string& folder,
                                                 std::span<const std::string> paths,
                                                 std::size_t max_bytes);

// Makes the files of an existing folder be as `files` say: all of them or, with an error, none.
// Each takes the place of its former at once, so a reader sees one of both as a whole, and is on
// the disk when this returns. Each has `mode`, whatever its former had, and keeps owner and group
// of its former. What a writer that was killed left behind is overwritten by the next. UNAVAILABLE
// names a file that cannot be written, and why; INVALID_ARGUMENT a path.
absl::Status ReplaceFiles(const std::string& folder, std::span<const FileState> files, mode_t mode);

// Gives those files that are there that mode. Errors as ReplaceFiles.
absl::Status SetModes(const std::string& folder, std::span<const std::string> paths, mode_t mode);

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_BASE_TEXT_FILE_H_
