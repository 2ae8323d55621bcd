#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_PRESENCE_SOURCE_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_PRESENCE_SOURCE_H_

// The current presence of every user, for snapshots, refreshes and queries. Engine implements it.
//
// Thread: the pipeline's. Long reads are cut into slices by the caller (`Read` with a limit).

#include <cstdint>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "aggregator/model/presence.h"

namespace unipresence {

class PresenceSource {
 public:
  virtual ~PresenceSource() = default;

  // One server start; never 0.
  virtual std::uint64_t epoch() const = 0;
  // Of the newest update; 0 before the first.
  virtual std::uint64_t sequence() const = 0;
  // Of the newest removal of a user; 0 if none was removed.
  virtual std::uint64_t removal_sequence() const = 0;
  virtual std::size_t user_count() const = 0;

  // What `Read` hands over: valid until the visitor returns.
  struct Entry {
    const Presence& presence;
    std::uint64_t sequence;  // of the user's newest update
  };
  using Visitor = absl::FunctionRef<void(const Entry&)>;

  // Visits the user; false if there is none of that id.
  virtual bool Read(std::string_view user, Visitor visit) const = 0;

  // Visits up to `limit` users from `cursor` on (0 = from the start; users keep their places while
  // others come and go) and returns the next cursor, 0 at the end.
  virtual std::uint64_t Read(std::uint64_t cursor, std::size_t limit, Visitor visit) const = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_PRESENCE_SOURCE_H_
