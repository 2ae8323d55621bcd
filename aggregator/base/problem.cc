#include "aggregator/base/problem.h"

#include <cstdint>
#include <cstring>

#include "absl/strings/cord.h"
#include "aggregator/base/strings.h"

namespace unipresence {
namespace {

constexpr char kPayload[] = "unipresence/problem";

// The payload: the number, then domain, keys and values, each behind its length.
void PutNumber(std::uint32_t number, std::string& out) {
  char bytes[sizeof(number)];
  std::memcpy(bytes, &number, sizeof(number));
  out.append(bytes, sizeof(bytes));
}

void PutText(std::string_view text, std::string& out) {
  PutNumber(static_cast<std::uint32_t>(text.size()), out);
  out.append(text);
}

// Only ProblemError writes payloads, so they are whole.
std::uint32_t TakeNumber(std::string_view& in) {
  std::uint32_t number = 0;
  std::memcpy(&number, in.data(), sizeof(number));
  in.remove_prefix(sizeof(number));
  return number;
}

std::string TakeText(std::string_view& in) {
  const std::uint32_t size = TakeNumber(in);
  std::string text(in.substr(0, size));
  in.remove_prefix(size);
  return text;
}

}  // namespace

absl::Status ProblemError(absl::StatusCode code, ProblemId id, std::string_view message,
                          ProblemValues values) {
  std::string payload;
  PutNumber(static_cast<std::uint32_t>(id.number), payload);
  PutText(id.domain, payload);
  for (const auto& [key, value] : values) {
    PutText(key, payload);
    PutText(value, payload);
  }
  absl::Status status(code, ToAbsl(message));
  status.SetPayload(kPayload, absl::Cord(std::move(payload)));
  return status;
}

std::optional<Problem> ProblemOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return std::nullopt;
  const std::string text(*payload);
  std::string_view rest = text;
  Problem problem;
  problem.number = static_cast<int>(TakeNumber(rest));
  problem.domain = TakeText(rest);
  while (!rest.empty()) {
    std::string key = TakeText(rest);
    std::string value = TakeText(rest);
    problem.values.emplace_back(std::move(key), std::move(value));
  }
  return problem;
}

}  // namespace unipresence
