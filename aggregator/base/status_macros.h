#ifndef UNIPRESENCE_AGGREGATOR_BASE_STATUS_MACROS_H_
#define UNIPRESENCE_AGGREGATOR_BASE_STATUS_MACROS_H_

// Early return on an error `absl::Status` or `absl::StatusOr`.
//
//   absl::Status Load(...) {
//     UNIPRESENCE_RETURN_IF_ERROR(Open(path));
//     UNIPRESENCE_ASSIGN_OR_RETURN(auto text, Read(path));
//     ...
//   }
//
// Abseil's Debian package (20220623) has no such macros.

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define UNIPRESENCE_RETURN_IF_ERROR(expression)     \
  do {                                              \
    absl::Status unipresence_status = (expression); \
    if (!unipresence_status.ok()) {                 \
      return unipresence_status;                    \
    }                                               \
  } while (false)

#define UNIPRESENCE_CONCAT_INNER(a, b) a##b
#define UNIPRESENCE_CONCAT(a, b) UNIPRESENCE_CONCAT_INNER(a, b)

#define UNIPRESENCE_ASSIGN_OR_RETURN(declaration, expression)                              \
  UNIPRESENCE_ASSIGN_OR_RETURN_INNER(UNIPRESENCE_CONCAT(statusor_, __LINE__), declaration, \
                                     expression)

#define UNIPRESENCE_ASSIGN_OR_RETURN_INNER(statusor, declaration, expression) \
  auto statusor = (expression);                                               \
  if (!statusor.ok()) {                                                       \
    return std::move(statusor).status();                                      \
  }                                                                           \
  declaration = *std::move(statusor)

#endif  // UNIPRESENCE_AGGREGATOR_BASE_STATUS_MACROS_H_
