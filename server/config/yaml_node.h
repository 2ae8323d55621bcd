#ifndef UNIPRESENCE_SERVER_CONFIG_YAML_NODE_H_
#define UNIPRESENCE_SERVER_CONFIG_YAML_NODE_H_

// YAML as plain values with line numbers. The only place that speaks to yaml-cpp.
//
// One document; no anchors, aliases or tags; nesting of at most kMaxYamlDepth. Scalars stay text:
// `exten: 0123` is "0123" whether or not it is quoted. A document that is not valid text
// (base/valid_text.h) is refused, all its faults named: yaml-cpp would mend some silently. Escapes
// such as "\e" may bring control characters nevertheless; a zero byte is refused.

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unipresence::config {

inline constexpr int kMaxYamlDepth = 16;

struct YamlNode {
  enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMap };
  Kind kind = Kind::kNull;
  int line = 0;  // from 1
  std::string scalar;
  std::vector<YamlNode> items;    // of a sequence; the values of a map
  std::vector<std::string> keys;  // of a map, as many as items
};

// The whole document; a null node if it is empty. INVALID_ARGUMENT names `name`, line and column.
absl::StatusOr<YamlNode> ParseYaml(std::string_view text, std::string_view name);

// Calls `visit` with each item of a document that is a sequence, one at a time, so that a long one
// needs no more memory than its longest item. An empty document has no items. INVALID_ARGUMENT as
// above; items before the error have been visited. A document that is not valid text is refused as
// a whole: one error a line of it, with the row, counted from 1, that the line is of. CANCELLED:
// `stop` was requested; looked at before each item.
absl::Status ParseYamlItems(std::string_view text, std::string_view name,
                            absl::FunctionRef<void(YamlNode&&)> visit, std::stop_token stop = {});

}  // namespace unipresence::config

#endif  // UNIPRESENCE_SERVER_CONFIG_YAML_NODE_H_
