#include "server/storage/conflict.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "absl/strings/cord.h"

namespace unipresence {
namespace {

constexpr char kPayload[] = "unipresence/conflict";
// Separates the parts of the payload; no part can hold it (ValidateUser).
constexpr char kSeparator = '\0';

std::string Sentence(const Conflict& conflict) {
  switch (conflict.field) {
    case Conflict::Field::kId:
      return fmt::format("id '{}': there is such a user; update it, or choose another id",
                         conflict.value);
    case Conflict::Field::kUsername:
      return fmt::format("username '{}': user '{}' has it; choose another", conflict.value,
                         conflict.owner);
    case Conflict::Field::kExten:
      return fmt::format("exten '{}': user '{}' has it in context '{}'; choose another number",
                         conflict.value, conflict.owner, conflict.scope);
    case Conflict::Field::kDevice:
      return fmt::format(
          "device '{}' on PBX '{}': it is a line of user '{}'; choose another device",
          conflict.value, conflict.scope, conflict.owner);
    case Conflict::Field::kMailbox:
      return fmt::format(
          "voicemail.number '{}' in context '{}': it is the box of user '{}'; choose another "
          "number",
          conflict.value, conflict.scope, conflict.owner);
  }
  __builtin_unreachable();
}

}  // namespace

absl::Status ConflictError(const Conflict& conflict) {
  absl::Status status = absl::AlreadyExistsError(Sentence(conflict));
  std::string payload;
  payload += static_cast<char>('0' + static_cast<int>(conflict.field));
  for (const std::string* part : {&conflict.value, &conflict.scope, &conflict.owner}) {
    payload += kSeparator;
    payload += *part;
  }
  status.SetPayload(kPayload, absl::Cord(payload));
  return status;
}

std::optional<Conflict> ConflictOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return std::nullopt;
  const std::string text(*payload);
  std::array<std::string_view, 4> parts;
  std::string_view rest = text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t end = rest.find(kSeparator);
    if (i + 1 < parts.size() && end == std::string_view::npos) return std::nullopt;
    parts[i] = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  if (parts[0].size() != 1 || parts[0][0] < '0' || parts[0][0] > '4') return std::nullopt;
  return Conflict{static_cast<Conflict::Field>(parts[0][0] - '0'), std::string(parts[1]),
                  std::string(parts[2]), std::string(parts[3])};
}

}  // namespace unipresence
