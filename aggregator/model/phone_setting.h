#ifndef UNIPRESENCE_AGGREGATOR_MODEL_PHONE_SETTING_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_PHONE_SETTING_H_

// A setting that a user changed from the phone, by a feature code of the dialplan.

#include <string>
#include <variant>

#include "aggregator/model/forwarding.h"
#include "aggregator/model/line.h"

namespace unipresence {

// What was set.
struct PhoneDoNotDisturb {
  bool on = false;
  friend bool operator==(const PhoneDoNotDisturb&, const PhoneDoNotDisturb&) = default;
};
struct PhoneSelection {
  LineKind device{};
  friend bool operator==(const PhoneSelection&, const PhoneSelection&) = default;
};
struct PhoneForward {
  ForwardingCondition condition = ForwardingCondition::kUnconditional;
  std::string destination;  // empty: off; else a valid one (ValidateDestination)
  friend bool operator==(const PhoneForward&, const PhoneForward&) = default;
};

struct PhoneSetting {
  std::string user;  // id, as Asterisk was told it
  std::variant<PhoneDoNotDisturb, PhoneSelection, PhoneForward> value;

  friend bool operator==(const PhoneSetting&, const PhoneSetting&) = default;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_PHONE_SETTING_H_
