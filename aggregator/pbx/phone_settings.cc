#include "aggregator/pbx/phone_settings.h"

#include <string>
#include <utility>

namespace unipresence::pbx {
namespace {

constexpr std::string_view kForward = "forward/";

using Value = decltype(PhoneSetting::value);

std::optional<Value> ParseValue(std::string_view setting, std::string_view value) {
  if (setting == "do_not_disturb") {
    if (value != "0" && value != "1") return std::nullopt;
    return PhoneDoNotDisturb{.on = value == "1"};
  }
  if (setting == "selected_device") {
    const std::optional<LineKind> device = ParseLineKind(value);
    if (!device) return std::nullopt;
    return PhoneSelection{.device = *device};
  }
  if (!setting.starts_with(kForward)) return std::nullopt;
  const auto condition = ParseForwardingCondition(setting.substr(kForward.size()));
  if (!condition || (!value.empty() && !ValidateDestination(value).ok())) return std::nullopt;
  return PhoneForward{.condition = *condition, .destination = std::string(value)};
}

}  // namespace

std::optional<PhoneSetting> ParsePhoneSetting(std::string_view user, std::string_view setting,
                                              std::string_view value) {
  if (user.empty()) return std::nullopt;
  std::optional<Value> parsed = ParseValue(setting, value);
  if (!parsed) return std::nullopt;
  return PhoneSetting{.user = std::string(user), .value = *std::move(parsed)};
}

PhoneChanges ParsePhoneChanges(std::string_view user, std::string_view text) {
  PhoneChanges changes;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view entry = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t equals = entry.find('=');
    std::optional<PhoneSetting> setting;
    if (equals != std::string_view::npos) {
      setting = ParsePhoneSetting(user, entry.substr(0, equals), entry.substr(equals + 1));
    }
    if (setting) {
      changes.settings.push_back(*std::move(setting));
    } else {
      ++changes.malformed;
    }
  }
  return changes;
}

}  // namespace unipresence::pbx
