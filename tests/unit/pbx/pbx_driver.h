#ifndef UNIPRESENCE_TESTS_UNIT_PBX_PBX_DRIVER_H_
#define UNIPRESENCE_TESTS_UNIT_PBX_PBX_DRIVER_H_

// Drives a Tracker alone, and keeps what it said of every device: for tests of what it makes of
// events and lists. How a link drives one is PbxLink's, and tested with it (tests/unit/pipeline).

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "aggregator/ami/message.h"
#include "aggregator/pbx/tracker.h"

namespace unipresence::pbx {

// "Event: Newchannel\r\nChannel: ...\r\n": the headers of a message, in order.
using Headers = std::vector<std::pair<std::string, std::string>>;
std::string Text(const Headers& headers);

// What a subscriber to the changes knows of a device.
struct DeviceFacts {
  std::optional<DeviceState> state;
  std::optional<bool> reachable;
  bool emitting = false;
  bool in_call = false;
  bool holding = false;
  bool held = false;
  bool direction_unknown = false;

  friend bool operator==(const DeviceFacts&, const DeviceFacts&) = default;
};

// "emitting in_call holding held", those that are set.
std::string FlagsOf(const DeviceFacts& facts);

// What was said of every device.
class DeviceFactTable {
 public:
  void Take(std::span<const DeviceChange> changes);
  // Default values for a device that was never named.
  DeviceFacts Facts(const std::string& device) const;
  const std::map<std::string, DeviceFacts>& all() const { return facts_; }

 private:
  std::map<std::string, DeviceFacts> facts_;
};

// A change that owns its name.
struct Change {
  DeviceChange change;  // without a device
  std::string device;

  friend bool operator==(const Change&, const Change&) = default;
};

// What the list actions answer: texts of rows. Without a value the action is refused.
struct Lists {
  using Rows = std::optional<std::vector<std::string>>;
  Rows endpoints = std::vector<std::string>{};
  Rows device_states = std::vector<std::string>{};
  Rows contacts = std::vector<std::string>{};
  Rows channels = std::vector<std::string>{};
  Rows statuses = std::vector<std::string>{};
};

class PbxDriver {
 public:
  explicit PbxDriver(TrackerOptions options = {}) : tracker_(options) {}

  // One live event and the end of the read.
  void Event(const std::string& text);
  void Event(const Headers& headers) { Event(Text(headers)); }

  // A whole sequence of lists. `before` is called before each action is answered, with its name,
  // and may add live events; so it does once more, with "", when all is over but for the last
  // answer.
  ResyncOutcome Resync(ResyncKind kind, const Lists& lists,
                       absl::FunctionRef<void(std::string_view)> before);
  ResyncOutcome Resync(ResyncKind kind, const Lists& lists = {});

  void LinkLost() { tracker_.LinkLost(); }

  // Takes the changes, as at the end of a read.
  void EndRead();
  // Gets the changes of each read as well.
  void set_observer(std::function<void(std::span<const DeviceChange>)> observer) {
    observer_ = std::move(observer);
  }

  Tracker& tracker() { return tracker_; }
  DeviceFacts Facts(const std::string& device) const { return facts_.Facts(device); }
  std::string Flags(const std::string& device) const { return FlagsOf(Facts(device)); }
  const std::map<std::string, DeviceFacts>& facts() const { return facts_.all(); }
  // "out talking hold held + in ringing" of the live calls of a device, "" without any.
  std::string Calls(const std::string& device) const;
  // All changes since the last TakeLog().
  std::vector<Change> TakeLog() { return std::exchange(log_, {}); }

 private:
  void Answer(const ListAction& action, ami::ActionToken token, const Lists::Rows& rows);

  Tracker tracker_;
  ami::ActionToken last_token_ = 0;
  DeviceFactTable facts_;
  std::vector<Change> log_;
  std::function<void(std::span<const DeviceChange>)> observer_;
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_TESTS_UNIT_PBX_PBX_DRIVER_H_
