#include "aggregator/base/log_limiter.h"

#include <fmt/format.h>

namespace unipresence {

std::string QuietNote(std::uint64_t quiet) {
  return quiet == 0 ? "" : fmt::format(" ({} more since the last such line)", quiet);
}

}  // namespace unipresence
