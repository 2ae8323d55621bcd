#ifndef UNIPRESENCE_AGGREGATOR_MODEL_LINE_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_LINE_H_

// A user's line: a slot of some kind, bound to one Asterisk device on one PBX.

#include <span>
#include <string>
#include <string_view>

#include "aggregator/model/line_kind.h"

namespace unipresence {

// The device as Asterisk itself writes it: it takes the technology in any case ("pjsip/bob" is
// PJSIP/bob) and the rest to the letter (PJSIP/Bob is another one). A technology that is not known
// here stays as it is. Wherever a device comes in it goes through here, so that what is stored,
// compared, told to Asterisk and published is one spelling.
std::string CanonicalDevice(std::string_view device);

struct Line {
  LineKind kind{};
  std::string pbx;     // name of the PBX as configured
  std::string device;  // as Asterisk names it: "PJSIP/alice"; see CanonicalDevice
  // The SIP account the device registers with, for the configuration rendered for Asterisk. Empty
  // where that is not ours to write.
  std::string sip_username{};
  std::string sip_secret{};

  friend bool operator==(const Line&, const Line&) = default;
};

LineKinds KindsOf(std::span<const Line> lines);

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_LINE_H_
