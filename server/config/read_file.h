#ifndef UNIPRESENCE_SERVER_CONFIG_READ_FILE_H_
#define UNIPRESENCE_SERVER_CONFIG_READ_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unipresence::config {

// The whole content of a file (or pipe) of at most `max_bytes`.
// NOT_FOUND, PERMISSION_DENIED, UNAVAILABLE: it cannot be read, and why; INVALID_ARGUMENT: it is
// larger.
absl::StatusOr<std::string> ReadFile(const std::string& path, std::size_t max_bytes);

// The same, handed over piece by piece.
absl::Status ReadPieces(const std::string& path, std::size_t max_bytes,
                        absl::FunctionRef<void(std::string_view)> take);

}  // namespace unipresence::config

#endif  // UNIPRESENCE_SERVER_CONFIG_READ_FILE_H_
