#ifndef UNIPRESENCE_SERVER_SERVICE_PAGE_H_
#define UNIPRESENCE_SERVER_SERVICE_PAGE_H_

// Pages of lists: their size, and the opaque token that leads to the next one.
//
// A token says where to go on, and which rpc with which other parameters it belongs to. It is no
// secret and no promise: it may come from another release, so it is checked like any foreign byte.
// Thread-safe.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/service/method.h"

namespace unipresence {

inline constexpr std::size_t kDefaultPage = 100;
inline constexpr std::size_t kMaxPage = 1000;

// 0 = the default; more than the most is taken as the most. INVALID_ARGUMENT if negative.
absl::StatusOr<std::size_t> PageSize(std::int32_t page_size);

// `parameters` is the serialized request without page_size and page_token.
std::string MakePageToken(const Method& method, std::string_view parameters,
                          std::string_view place);

// The place; empty for an empty token. INVALID_ARGUMENT: PAGE_TOKEN_INVALID.
absl::StatusOr<std::string> ParsePageToken(const Method& method, std::string_view parameters,
                                           std::string_view token);

absl::Status PageTokenInvalid();

// A request's parameters for the two above.
template <typename Request>
std::string ParametersOf(Request request) {
  request.clear_page_size();
  request.clear_page_token();
  return request.SerializeAsString();
}

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_PAGE_H_
