#include "server/service/page.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/strings/escaping.h"
#include "aggregator/base/strings.h"
#include "server/account/failure.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

constexpr std::size_t kHeadSize = 1 + sizeof(std::uint64_t);

// Version and method, and a hash (FNV-1a) of the parameters: enough to notice a mistake.
std::array<char, kHeadSize> HeadOf(const Method& method, std::string_view parameters) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : parameters) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  std::array<char, kHeadSize> head;
  head[0] = static_cast<char>(method.index + 1);
  std::memcpy(head.data() + 1, &hash, sizeof(hash));
  return head;
}

}  // namespace

absl::StatusOr<std::size_t> PageSize(std::int32_t page_size) {
  if (page_size < 0) {
    return FieldInvalid("page_size", std::to_string(page_size), "0 to 1000");
  }
  if (page_size == 0) return kDefaultPage;
  return std::min(static_cast<std::size_t>(page_size), kMaxPage);
}

std::string MakePageToken(const Method& method, std::string_view parameters,
                          std::string_view place) {
  const auto head = HeadOf(method, parameters);
  std::string bytes(head.data(), head.size());
  bytes.append(place);
  return absl::WebSafeBase64Escape(bytes);
}

absl::StatusOr<std::string> ParsePageToken(const Method& method, std::string_view parameters,
                                           std::string_view token) {
  if (token.empty()) return std::string();
  std::string bytes;
  const auto head = HeadOf(method, parameters);
  if (!absl::WebSafeBase64Unescape(ToAbsl(token), &bytes) || bytes.size() <= head.size() ||
      !bytes.starts_with(std::string_view(head.data(), head.size()))) {
    return PageTokenInvalid();
  }
  return bytes.substr(head.size());
}

absl::Status PageTokenInvalid() {
  return Failure(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                 "page_token is not one of this list; start again from the first page");
}

}  // namespace unipresence
