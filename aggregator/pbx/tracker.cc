#include "aggregator/pbx/tracker.h"

#include <utility>

#include "aggregator/pbx/mailbox_counts.h"
#include "aggregator/pbx/spelling.h"

namespace unipresence::pbx {
namespace {

// Contacts are of PJSIP endpoints only.
constexpr std::string_view kTechnology = "PJSIP/";
// States that we write ourselves (astdb_layout.h): Asterisk tells them to everybody, us included.
constexpr std::string_view kOwnState = "Custom:unipresence-";

}  // namespace

Tracker::Tracker(TrackerOptions options)
    : channels_(options.max_channels, batch_, probe_),
      contacts_(options.max_contacts, probe_),
      dialplan_(probe_) {}

void Tracker::OnEvent(const ami::Message& event, ami::ActionToken list) {
  if (list == ami::kLiveEvent) {
    OnLiveEvent(event);
  } else if (resync_.TakeRow(list)) {
    OnRow(event);
  }
}

void Tracker::OnLiveEvent(const ami::Message& event) {
  const std::string_view name = event.Event();
  if (name == "DeviceStateChange") {
    OnDeviceState(event, CauseKind::kDeviceStateChange);
  } else if (name == "ContactStatus") {
    OnContactStatus(event);
  } else if (name == "MessageWaiting") {
    OnMailboxCounts(event, CauseKind::kResync);
  } else if (name == "UserEvent") {
    dialplan_.OnUserEvent(event);
  } else if (channels_.OnEvent(name, event)) {
    return;
  } else if (name == "Status") {
    if (resync_.step() == Resync::Step::kDirections && resync_.TakeRow()) OnRow(event);
  } else if (name == "OriginateResponse" && event.Get("Response") == "Failure") {
    failed_originates_.emplace_back(event.Get("Uniqueid"));
  }
}

void Tracker::OnDeviceState(const ami::Message& event, CauseKind cause) {
  const std::string_view device = event.Get("Device");
  if (device.starts_with(kOwnState)) return;
  const std::string_view text = event.Get("State");
  std::optional<DeviceState> state = ParseDeviceState(text);
  if (!state) [[unlikely]] {
    state = ParseDeviceStateText(text);
    if (!state) {
      probe_.unknown_device_states.Add();
      return;
    }
  }
  batch_.Add({.kind = DeviceChange::Kind::kState, .cause = cause, .state = *state, .device = {}},
             device);
  if (channels_.WantsDeviceState(*state)) channels_.OnDeviceState(device, *state);
}

void Tracker::OnMailboxCounts(const ami::Message& message, CauseKind cause) {
  const std::optional<MailboxChange> change = ParseMailboxCounts(message, cause);
  if (!change) {
    probe_.malformed_events.Add();
    return;
  }
  mailbox_changes_.push_back(*change);
}

void Tracker::OnMailboxReply(const ami::Message& answer) { OnMailboxCounts(answer, ListCause()); }

void Tracker::OnContactStatus(const ami::Message& event) {
  const auto status = ParseContactStatus(event.Get("ContactStatus"));
  if (!status) {
    probe_.unknown_contact_statuses.Add();
    return;
  }
  const std::string_view named = event.Get("EndpointName");
  const std::string_view endpoint = named.empty() ? event.Get("AOR") : named;
  const std::string_view uri = event.Get("URI");
  if (endpoint.empty() || uri.empty()) {
    probe_.malformed_events.Add();
    return;
  }
  const ContactTable::Change change = contacts_.Set(endpoint, uri, *status);
  if (change == ContactTable::Change::kNone) return;
  AddContactChange(endpoint, change == ContactTable::Change::kReachable, CauseKind::kContactStatus);
}

void Tracker::AddContactChange(std::string_view endpoint, bool reachable, CauseKind cause) {
  batch_.AddCopy(
      {.kind = DeviceChange::Kind::kContact, .cause = cause, .reachable = reachable, .device = {}},
      {kTechnology, endpoint});
}

// --- Lists -----------------------------------------------------------------------------------

CauseKind Tracker::ListCause() const {
  switch (resync_.kind()) {
    case ResyncKind::kResync:
      return CauseKind::kResync;
    case ResyncKind::kReconcile:
      return CauseKind::kReconcile;
  }
  __builtin_unreachable();
}

bool Tracker::StartResync(ResyncKind kind) {
  if (!resync_.Start(kind)) return false;
  lost_endpoints_.clear();
  return true;
}

void Tracker::ActionSent(ami::ActionToken token) {
  resync_.Sent(token);
  sent_ = token;
  if (resync_.step() == Resync::Step::kContacts) contacts_.BeginList();
  if (resync_.step() == Resync::Step::kChannels) channels_.BeginList();
}

void Tracker::OnRow(const ami::Message& row) {
  const std::string_view name = row.Event();
  switch (resync_.step()) {
    case Resync::Step::kEndpoints:
      if (name == "EndpointList") OnEndpointRow(row);
      return;
    case Resync::Step::kDeviceStates:
      if (name == "DeviceStateChange") OnDeviceState(row, ListCause());
      return;
    case Resync::Step::kContacts:
      if (name == "ContactList") OnContactRow(row);
      return;
    case Resync::Step::kChannels:
      if (name == "CoreShowChannel") channels_.OnRow(row);
      return;
    case Resync::Step::kDirections:
      if (name == "Status") channels_.OnDirectionRow(row);
      return;
    case Resync::Step::kBarrier:
    case Resync::Step::kIdle:
      return;
  }
}

void Tracker::OnEndpointRow(const ami::Message& row) {
  const std::string_view endpoint = row.Get("ObjectName");
  if (endpoint.empty()) {
    probe_.malformed_events.Add();
    return;
  }
  const auto state = ParseDeviceStateText(row.Get("DeviceState"));
  if (!state) {
    probe_.unknown_device_states.Add();
    return;
  }
  batch_.AddCopy(
      {.kind = DeviceChange::Kind::kState, .cause = ListCause(), .state = *state, .device = {}},
      {kTechnology, endpoint});
  // Names of endpoints are not kept, so this is the moment to note one without contacts, if that
  // can matter: its row may be older than the event that took its contact away.
  if (row.Has("Contacts") && row.Get("Contacts").empty() &&
      (*state == DeviceState::kNotInUse || contacts_.Reachable(endpoint))) {
    lost_endpoints_.emplace_back(endpoint);
  }
}

void Tracker::OnContactRow(const ami::Message& row) {
  const auto status = ParseContactStatus(row.Get("Status"));
  if (!status) {
    probe_.unknown_contact_statuses.Add();
    return;
  }
  std::string_view endpoint = row.Get("Endpoint");
  if (endpoint.empty()) {
    // "alice;@8b4d11a2...", or "alice@@...": the AOR and a digest of the URI.
    const std::string_view object = row.Get("ObjectName");
    endpoint = object.substr(0, object.find_first_of(";@"));
  }
  const std::string_view uri = row.Get("Uri");
  if (endpoint.empty() || uri.empty()) {
    probe_.malformed_events.Add();
    return;
  }
  contacts_.Set(endpoint, uri, *status);
  if (Callable(*status)) {
    AddContactChange(endpoint, true, ListCause());
  } else {
    lost_endpoints_.emplace_back(endpoint);
  }
}

void Tracker::OnReply(const absl::StatusOr<ami::ActionReply>& reply) {
  const auto done = resync_.OnReply(sent_, reply);
  if (done) OnListDone(*done);
}

void Tracker::OnListDone(Resync::Done done) {
  switch (done.step) {
    case Resync::Step::kContacts:
      if (done.complete) contacts_.EndList();
      for (const std::string& endpoint : lost_endpoints_) {
        if (!contacts_.Reachable(endpoint)) AddContactChange(endpoint, false, ListCause());
      }
      lost_endpoints_.clear();
      return;
    case Resync::Step::kChannels:
      channels_.EndList(done.complete, ListCause());
      if (!channels_.wants_directions()) resync_.SkipDirections();
      return;
    case Resync::Step::kBarrier:
      channels_.EndResync(ListCause());
      probe_.list_errors.Add(resync_.errors().size());
      outcome_ = ResyncOutcome{resync_.kind(),    resync_.rows(),
                               resync_.errors(),  resync_.whole(),
                               resync_.skipped(), endpoints_complete_ && states_complete_};
      return;
    case Resync::Step::kEndpoints:
      endpoints_complete_ = done.complete;
      return;
    case Resync::Step::kDeviceStates:
      states_complete_ = done.complete;
      return;
    case Resync::Step::kDirections:
    case Resync::Step::kIdle:
      return;
  }
}

std::optional<ResyncOutcome> Tracker::TakeOutcome() { return std::exchange(outcome_, {}); }

void Tracker::LinkLost() {
  resync_.Abort();
  outcome_.reset();
  channels_.LinkLost();
  contacts_.Clear();
  lost_endpoints_.clear();
}

// --- Queries ---------------------------------------------------------------------------------

bool Tracker::Reachable(std::string_view device) const {
  return device.starts_with(kTechnology) && contacts_.Reachable(device.substr(kTechnology.size()));
}

}  // namespace unipresence::pbx
