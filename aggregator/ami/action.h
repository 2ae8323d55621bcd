#ifndef UNIPRESENCE_AGGREGATOR_AMI_ACTION_H_
#define UNIPRESENCE_AGGREGATOR_AMI_ACTION_H_

// Builds one AMI action.
//
//   ActionBuilder action("DBPut");
//   action.Header("Family", family).Header("Key", key).Header("Val", value);
//   session.Send(action, callback);
//
// Values come from users and files: a CR or LF in one would start a header of the user's choice,
// which Asterisk would obey. Such a value makes the whole action an error; nothing is ever escaped
// or cut. The ActionID is added by the session.

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unipresence::ami {

// With CR LF. Asterisk reads actions into 1,024 bytes and answers a longer line with
// "Failed to parse message: line too long".
inline constexpr std::size_t kMaxActionLineBytes = 1000;
// With Action and ActionID. Asterisk ignores headers beyond its AST_MAX_MANHEADERS, 128.
inline constexpr std::size_t kMaxActionHeaders = 128;

class ActionBuilder {
 public:
  explicit ActionBuilder(std::string_view name);

  // Adds a header; names may repeat (`Variable`). After the first error further calls change
  // nothing.
  ActionBuilder& Header(std::string_view name, std::string_view value);

  // INVALID_ARGUMENT that names the header and the position, never the value, which may be a
  // secret: CR, LF or NUL in a name or value; an empty name or one with a colon or a blank; Action
  // or ActionID, which are not the caller's; a line beyond kMaxActionLineBytes; too many headers.
  const absl::Status& status() const { return status_; }

  std::string_view name() const { return name_; }

  // The bytes for the wire, with the ActionID and the closing empty line; or status().
  absl::StatusOr<std::string> Encode(std::string_view action_id) const;

 private:
  std::string name_;
  std::string lines_;
  std::size_t headers_ = 0;
  absl::Status status_;
};

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_ACTION_H_
