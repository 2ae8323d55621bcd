#ifndef UNIPRESENCE_AGGREGATOR_MODEL_DESKPHONE_CALL_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_DESKPHONE_CALL_H_

#include <cstdint>
#include <string_view>

namespace unipresence {

// Which calls of the deskphone count as "emitting" (aggregator/fusion/README.md).
enum class DeskphoneCall : std::uint8_t { kEmitted, kAny };

constexpr std::string_view ToString(DeskphoneCall deskphone_call) {  // "emitted", "any"
  return deskphone_call == DeskphoneCall::kAny ? "any" : "emitted";
}

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_DESKPHONE_CALL_H_
