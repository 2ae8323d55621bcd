#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_ENCODED_UPDATE_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_ENCODED_UPDATE_H_

// An encoded unipresence.v1.PresenceUpdate, taken apart without being decoded, so that another one
// can be put together from its parts. Thread-safe, without state.

#include <cstdint>
#include <string_view>

#include "aggregator/publish/byte_buffer.h"

namespace unipresence::publish {

// Views into the bytes that it was read from.
struct EncodedUpdate {
  std::string_view value;            // `sequence` and `change`, with their tags
  std::string_view cause;            // `cause`, with its tag; empty if there is none
  std::uint32_t previous_state = 0;  // a v1::PresenceState; 0 before a user's first value
  std::uint32_t state = 0;           // the same after the change; 0 if the user was removed

  // The change is one of the state: also a first value, and a removal.
  bool brings_state() const { return previous_state == 0 || previous_state != state; }
};

// `bytes` are of AppendUpdate, or of another encoder that writes fields in the order of their
// numbers; of others it gives what it understands.
EncodedUpdate ReadUpdate(std::string_view bytes);

// Appends an update that stands for `changes`, without tag and length: the value of `newest`,
// `cause` as EncodedUpdate has it, and the state before all of them (0 for none).
void AppendMerged(const EncodedUpdate& newest, std::string_view cause, std::uint32_t previous_state,
                  std::uint32_t changes, ByteBuffer& out);

// Appends the value of `newest` as a repetition (PresenceUpdate.refresh).
void AppendAsRefresh(const EncodedUpdate& newest, ByteBuffer& out);

}  // namespace unipresence::publish

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_ENCODED_UPDATE_H_
