#ifndef UNIPRESENCE_SERVER_STORAGE_FILE_IDENTITY_H_
#define UNIPRESENCE_SERVER_STORAGE_FILE_IDENTITY_H_

// Which file a path names, and how long it was. While a file is open its inode is not given to
// another one, so a path that names another inode now was moved, deleted or replaced.

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unipresence {

class FileIdentity {
 public:
  // Of the file that the path names now, symbolic links followed. UNAVAILABLE: there is none.
  static absl::StatusOr<FileIdentity> Of(std::string path);

  // UNAVAILABLE says what became of the path: one system call, no reading.
  absl::Status Check() const;

  // Remembers how long the file is now; nothing if it is not there.
  void NoteSize();
  // UNAVAILABLE if it is shorter than when its size was noted: somebody cut it.
  absl::Status CheckSize() const;

 private:
  std::string path_;
  unsigned long long device_ = 0;
  unsigned long long inode_ = 0;
  long long size_ = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_FILE_IDENTITY_H_
