#ifndef UNIPRESENCE_AGGREGATOR_BASE_PROBLEM_H_
#define UNIPRESENCE_AGGREGATOR_BASE_PROBLEM_H_

// What an error is about, for programs: a payload of the status. A room that makes such errors has
// an enum of its own, whose name is in DomainOf:
//
//   enum class StreamProblem : std::uint8_t { kTooMany, kStopping };
//   constexpr std::string_view DomainOf(StreamProblem) { return "stream"; }
//
//   return ProblemError(absl::StatusCode::kResourceExhausted, IdOf(StreamProblem::kTooMany),
//                       "16 streams are open, the most this server serves", {{"limit", "16"}});
//   ...
//   if (ProblemAs<StreamProblem>(status) == StreamProblem::kTooMany) ...
//
// Message and values are kept as they are given, in any bytes.
//
// Thread-safe, without state.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace unipresence {

struct ProblemId {
  std::string_view domain;
  int number = 0;

  friend bool operator==(const ProblemId&, const ProblemId&) = default;
};

template <typename Enum>
constexpr ProblemId IdOf(Enum problem) {
  return {.domain = DomainOf(problem), .number = static_cast<int>(problem)};
}

// Keys and values that the problem speaks of.
using ProblemValues = std::initializer_list<std::pair<std::string_view, std::string_view>>;

absl::Status ProblemError(absl::StatusCode code, ProblemId id, std::string_view message,
                          ProblemValues values = {});

struct Problem {
  std::string domain;
  int number = 0;
  std::vector<std::pair<std::string, std::string>> values;  // in the order they were given

  ProblemId id() const { return {.domain = domain, .number = number}; }
};

// nullopt if the status carries none.
std::optional<Problem> ProblemOf(const absl::Status& status);

// nullopt if the status carries none, or one of another enum.
template <typename Enum>
std::optional<Enum> ProblemAs(const absl::Status& status) {
  const std::optional<Problem> problem = ProblemOf(status);
  if (!problem || problem->domain != DomainOf(Enum{})) return std::nullopt;
  return static_cast<Enum>(problem->number);
}

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_BASE_PROBLEM_H_
