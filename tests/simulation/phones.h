#ifndef UNIPRESENCE_TESTS_SIMULATION_PHONES_H_
#define UNIPRESENCE_TESTS_SIMULATION_PHONES_H_

// The phones of the simulated PBX: their contacts and the device state Asterisk reports of each.
//
// The state of a phone follows from its contacts and its channels, but Asterisk reports it only
// when something makes it look (Refresh): so it is late for an emitted call, until the far side
// rings.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "aggregator/model/device_state.h"
#include "tests/simulation/directory.h"
#include "tests/simulation/event_stream.h"

namespace unipresence::simulation {

using ChannelId = std::uint32_t;

struct Contact {
  std::string uri;
  bool qualified = false;  // OPTIONS was answered or missed: the status is not NonQualified
  bool reachable = true;
};

// The words of ContactStatus and of a contact list: NonQualified, Reachable, Unreachable.
std::string_view ContactWord(const Contact& contact);

// Not thread-safe.
class Phones {
 public:
  // Directory and stream must outlive it. All phones begin without a contact and unreported.
  Phones(const Directory& directory, EventStream& events);

  // --- contacts ---

  // Adds a contact (an empty uri means the phone's usual one). One that is there already is
  // refreshed, which gives no event.
  void Register(EndpointId phone, std::string_view uri = {});

  // Removes one contact, or all with an empty uri. NOT_FOUND: the phone has no such contact.
  absl::Status Unregister(EndpointId phone, std::string_view uri = {});

  // Whether OPTIONS are answered. NOT_FOUND: the phone has no contact.
  absl::Status SetReachable(EndpointId phone, bool reachable);

  std::vector<Contact> ContactsOf(EndpointId phone) const;
  bool Reachable(EndpointId phone) const;
  bool AnyContact() const { return registered_ > 0; }

  // Marks a phone as registered with its usual contact, without an event: as it was before we
  // looked.
  void RegisterSilently(EndpointId phone);

  // --- device states ---

  // What a channel of the phone adds: NOT_INUSE, INUSE, RINGING or ONHOLD. Nothing is reported yet.
  void SetChannel(EndpointId phone, ChannelId channel, DeviceState state);
  void RemoveChannel(EndpointId phone, ChannelId channel);
  std::size_t ChannelCount(EndpointId phone) const;

  // With device_state_busy_at = calls, the phone is BUSY from that many calls on; 0 switches it
  // off.
  void SetBusyAt(EndpointId phone, unsigned calls);

  // Looks at the phone; a changed state is reported.
  void Refresh(EndpointId phone);

  // Reports a state regardless of contacts and channels. Nothing is sent if it is reported already.
  void Report(EndpointId phone, DeviceState state);

  // As Report, but without an event: for states whose events were sent by other means.
  void SetReported(EndpointId phone, DeviceState state);

  // The state in Asterisk's cache; nullopt if it never looked: the phone is in no list then.
  std::optional<DeviceState> Reported(EndpointId phone) const;

  // --- life of the process ---

  // A new process: no channels, states known again without events, contacts told by ContactStatus.
  void Restart();

 private:
  struct Channel {
    ChannelId id = 0;
    DeviceState state = DeviceState::kNotInUse;
  };

  std::string UsualUri(EndpointId phone) const;
  // The stored contacts of the phone, for changing them.
  std::vector<Contact>& MutableContacts(EndpointId phone);
  void EmitContactStatus(EndpointId phone, const Contact& contact, std::string_view status);
  void EmitPeerStatus(EndpointId phone, std::string_view status);
  DeviceState Current(EndpointId phone) const;

  const Directory& directory_;
  EventStream& events_;
  // Most phones have just their usual contact, which a bit remembers; others are in the map.
  std::vector<bool> usual_contact_;
  std::unordered_map<EndpointId, std::vector<Contact>> contacts_;
  std::size_t registered_ = 0;
  std::vector<std::uint8_t> reported_;  // DeviceState, or kNeverReported
  std::unordered_map<EndpointId, std::vector<Channel>> channels_;
  std::unordered_map<EndpointId, unsigned> busy_at_;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_PHONES_H_
