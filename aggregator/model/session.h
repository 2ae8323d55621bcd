#ifndef UNIPRESENCE_AGGREGATOR_MODEL_SESSION_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_SESSION_H_

// What the store and the engine both say of a logged-in client.

#include <array>
#include <cstdint>

namespace unipresence {

// What a session counts as: an assistant counts as logged in, a client (wallboard, script) does
// not.
enum class SessionKind : std::uint8_t { kAssistant, kClient };

using SessionKey = std::array<std::uint8_t, 32>;  // digest of the token, never the token

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_SESSION_H_
