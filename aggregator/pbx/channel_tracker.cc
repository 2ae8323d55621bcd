#include "aggregator/pbx/channel_tracker.h"

#include <algorithm>
#include <optional>

#include "aggregator/base/strings.h"

namespace unipresence::pbx {
namespace {

// Whether a call has not got as far as ringing or talking.
bool IsBeginning(ChannelState state) {
  switch (state) {
    case ChannelState::kDown:
    case ChannelState::kReserved:
    case ChannelState::kOffHook:
    case ChannelState::kDialing:
    case ChannelState::kRing:
    case ChannelState::kDialingOffHook:
    case ChannelState::kPreRing:
      return true;
    case ChannelState::kRinging:
    case ChannelState::kUp:
    case ChannelState::kBusy:
      return false;
  }
  __builtin_unreachable();
}

// What a row of a list says for certain of who originated the channel, also when something else was
// known before the link was lost.
std::optional<Direction> CertainDirection(ChannelState state, const ami::Message& row) {
  if (DialsItself(state)) return Direction::kEmitted;
  const std::string_view application = row.Get("Application");
  if (application == "AppDial" || application == "AppQueue") return Direction::kReceived;
  if (application != "AppDial2") return std::nullopt;
  const bool leads = row.Get("Uniqueid") == row.Get("Linkedid");
  return leads ? Direction::kEmitted : Direction::kReceived;
}

// The same of a channel of which nothing is known.
std::optional<Direction> LikelyDirection(ChannelState state, const ami::Message& row) {
  if (const auto certain = CertainDirection(state, row)) return certain;
  if (row.Get("Uniqueid") == row.Get("Linkedid")) return Direction::kEmitted;
  return std::nullopt;
}

}  // namespace

std::string_view ToString(CallPhase phase) {
  switch (phase) {
    case CallPhase::kEmitting:
      return "emitting";
    case CallPhase::kOffered:
      return "offered";
    case CallPhase::kRinging:
      return "ringing";
    case CallPhase::kTalking:
      return "talking";
  }
  __builtin_unreachable();
}

// --- Events ----------------------------------------------------------------------------------

bool ChannelTracker::OnEvent(std::string_view name, const ami::Message& event) {
  struct Handler {
    std::string_view event;
    CauseKind cause;
    void (ChannelTracker::*handle)(const ami::Message&);
  };
  static constexpr Handler kHandlers[] = {
      {"Newchannel", CauseKind::kNewchannel, &ChannelTracker::OnNewchannel},
      {"Newstate", CauseKind::kNewstate, &ChannelTracker::OnNewstate},
      {"BridgeEnter", CauseKind::kMusicOnHold, &ChannelTracker::OnBridgeEnter},
      {"BridgeLeave", CauseKind::kMusicOnHold, &ChannelTracker::OnBridgeLeave},
      {"NewConnectedLine", CauseKind::kNewstate, &ChannelTracker::OnNewConnectedLine},
      {"DialBegin", CauseKind::kNewstate, &ChannelTracker::OnDialBegin},
      {"Hangup", CauseKind::kHangup, &ChannelTracker::OnHangup},
      {"Hold", CauseKind::kHold, &ChannelTracker::OnHold},
      {"Unhold", CauseKind::kUnhold, &ChannelTracker::OnUnhold},
      {"MusicOnHoldStart", CauseKind::kMusicOnHold, &ChannelTracker::OnMusicOnHoldStart},
      {"MusicOnHoldStop", CauseKind::kMusicOnHold, &ChannelTracker::OnMusicOnHoldStop},
      {"Pickup", CauseKind::kPickup, &ChannelTracker::OnPickup},
      {"Rename", CauseKind::kRename, &ChannelTracker::OnRename},
  };
  for (const Handler& handler : kHandlers) {
    if (handler.event != name) continue;
    (this->*handler.handle)(event);
    // Until the lists are through, flags are not trusted.
    table_.Settle(handler.cause, !syncing_);
    return true;
  }
  return false;
}

void ChannelTracker::OnNewchannel(const ami::Message& event) {
  Channel* channel = table_.Find(event.Get("Uniqueid"));
  if (channel == nullptr) channel = Create(event);
  if (channel == nullptr) return;
  // A list may have named it before its birth was read; the birth knows better who originated it.
  table_.SetName(*channel, event.Get("Channel"));
  channel->seen_born = true;
  channel->confirmed = true;
  channel->state = ParseChannelState(event.Get("ChannelState")).value_or(ChannelState::kDown);
  // Whoever is called belongs to the caller's call from birth on. Without a caller it is an
  // Originate.
  const bool leads = event.Get("Uniqueid") == event.Get("Linkedid");
  const bool dials = DialsItself(channel->state);
  SetDirection(*channel, leads || dials ? Direction::kEmitted : Direction::kReceived);
  if (channel->device == nullptr) return;
  channel->details.start_time = now_;
  channel->details.originated = leads && !dials;
  if (dials) TakeDialled(channel->details, event.Get("Exten"));
  TakeDetails(*channel, event);
}

void ChannelTracker::OnNewstate(const ami::Message& event) {
  Channel* const channel = FindOrAdopt(event);
  const auto state = ParseChannelState(event.Get("ChannelState"));
  if (!state) {
    probe_.malformed_events.Add();
    return;
  }
  if (channel == nullptr) return;
  // Not of one that talked or rang: by a transfer it may take over the state of another.
  const bool dials = DialsItself(*state) && IsBeginning(channel->state);
  channel->state = *state;
  if (dials) TakeOwnCall(*channel, event);
  TakeDetails(*channel, event);
  table_.Touch(*channel);
}

void ChannelTracker::OnNewConnectedLine(const ami::Message& event) {
  Channel* const channel = FindOrAdopt(event);
  if (channel != nullptr) TakeDetails(*channel, event);
}

void ChannelTracker::OnDialBegin(const ami::Message& event) {
  // Without a caller it is an Originate or a page: they tell no number.
  Channel* const channel = table_.Find(event.Get("Uniqueid"));
  if (channel == nullptr || channel->device == nullptr) return;
  // An Originate dials nothing before the own phone is picked up.
  if (channel->details.originated && IsBeginning(channel->state)) {
    channel->details.originated = false;
    table_.TouchCall(*channel);
  }
  if (TakeDialled(channel->details, event.Get("Exten"))) table_.TouchCall(*channel);
}

void ChannelTracker::TakeOwnCall(Channel& channel, const ami::Message& event) {
  SetDirection(channel, Direction::kEmitted);
  if (channel.device == nullptr) return;
  channel.details.originated = false;
  TakeDialled(channel.details, event.Get("Exten"));
  table_.TouchCall(channel);
}

void ChannelTracker::TakeDetails(Channel& channel, const ami::Message& event) {
  if (channel.device == nullptr) return;
  bool changed = TakeParty(channel.details, event);
  changed |=
      TakeState(channel.details, channel.direction, channel.state, channel.bridge != nullptr, now_);
  if (changed) table_.TouchCall(channel);
}

void ChannelTracker::OnPickup(const ami::Message& event) {
  Channel* const channel = FindOrAdopt(event);
  if (channel == nullptr) return;
  SetDirection(*channel, Direction::kReceived);
}

void ChannelTracker::OnHangup(const ami::Message& event) {
  Channel* const channel = table_.Find(event.Get("Uniqueid"));
  if (channel == nullptr) {
    probe_.unknown_channel_events.Add();
    return;
  }
  LeaveBridge(*channel);
  table_.Remove(*channel);
}

void ChannelTracker::OnRename(const ami::Message& event) {
  Channel* const channel = FindOrAdopt(event);
  const std::string_view name = event.Get("Newname");
  if (!ChannelTable::ValidId(name)) {
    probe_.malformed_events.Add();
    return;
  }
  if (channel != nullptr) table_.SetName(*channel, name);
}

void ChannelTracker::OnHold(const ami::Message& event) {
  Channel* const channel = FindOrAdopt(event);
  if (channel == nullptr) return;
  channel->holding = true;
  channel->hold_heard = true;
  channel->holding_inferred = false;
  table_.Touch(*channel);
}

void ChannelTracker::OnUnhold(const ami::Message& event) {
  Channel* const channel = FindOrAdopt(event);
  if (channel == nullptr) return;
  channel->holding = false;
  channel->hold_heard = true;
  channel->holding_inferred = false;
  table_.Touch(*channel);
}

void ChannelTracker::OnMusicOnHoldStart(const ami::Message& event) {
  Channel* const channel = FindOrAdopt(event);
  if (channel == nullptr) return;
  channel->music = true;
  channel->music_heard = true;
  channel->music_inferred = false;
  table_.Touch(*channel);
}

void ChannelTracker::OnMusicOnHoldStop(const ami::Message& event) {
  Channel* const channel = FindOrAdopt(event);
  if (channel == nullptr) return;
  channel->music = false;
  channel->music_heard = true;
  channel->music_inferred = false;
  ForgetInferredHolding(ChannelTable::Peer(*channel));
  table_.Touch(*channel);
}

void ChannelTracker::OnBridgeEnter(const ami::Message& event) {
  Channel* const channel = FindOrAdopt(event);
  const std::string_view bridge = event.Get("BridgeUniqueid");
  if (!ChannelTable::ValidId(bridge)) {
    probe_.malformed_events.Add();
    return;
  }
  if (channel == nullptr) return;
  if (channel->bridge != nullptr && channel->bridge->id != bridge) LeaveBridge(*channel);
  table_.EnterBridge(*channel, bridge, event.Get("BridgeType"));
  TakeDetails(*channel, event);
}

void ChannelTracker::OnBridgeLeave(const ami::Message& event) {
  Channel* const channel = FindOrAdopt(event);
  if (channel == nullptr || channel->bridge == nullptr) return;
  // A channel that went on to another bridge may be told to leave the first one only then.
  if (channel->bridge->id == event.Get("BridgeUniqueid")) LeaveBridge(*channel);
}

// --- Channels and bridges --------------------------------------------------------------------

ChannelTracker::Channel* ChannelTracker::FindOrAdopt(const ami::Message& event) {
  Channel* channel = table_.Find(event.Get("Uniqueid"));
  if (channel == nullptr && !listed_once_) channel = Create(event);
  if (channel == nullptr) {
    probe_.unknown_channel_events.Add();
    return nullptr;
  }
  channel->confirmed = true;
  return channel;
}

ChannelTracker::Channel* ChannelTracker::Create(const ami::Message& message) {
  const std::string_view uniqueid = message.Get("Uniqueid");
  const std::string_view name = message.Get("Channel");
  if (!ChannelTable::ValidId(uniqueid) || !ChannelTable::ValidId(name)) {
    probe_.malformed_events.Add();
    return nullptr;
  }
  Channel* const channel = table_.Create(uniqueid, name);
  if (channel == nullptr) {
    probe_.rejected_channels.Add();
    return nullptr;
  }
  channel->state = ParseChannelState(message.Get("ChannelState")).value_or(ChannelState::kDown);
  channel->direction = LikelyDirection(channel->state, message).value_or(Direction::kReceived);
  channel->details.start_time = now_;
  return channel;
}

void ChannelTracker::LeaveBridge(Channel& channel) {
  // That one holds the other was inferred from their sharing the bridge.
  ForgetInferredHolding(ChannelTable::Peer(channel));
  ForgetInferredHolding(&channel);
  table_.LeaveBridge(channel);
}

void ChannelTracker::SetDirection(Channel& channel, Direction direction) {
  channel.direction = direction;
  channel.direction_known = true;
  channel.direction_untold = false;
  table_.Touch(channel);
}

CallPhase ChannelTracker::PhaseOf(const Channel& channel) {
  const bool up = channel.state == ChannelState::kUp;
  if (channel.direction == Direction::kEmitted) {
    return up && channel.bridge != nullptr ? CallPhase::kTalking : CallPhase::kEmitting;
  }
  if (up) return CallPhase::kTalking;
  return channel.state == ChannelState::kRinging ? CallPhase::kRinging : CallPhase::kOffered;
}

// --- Queries -----------------------------------------------------------------------------------

std::vector<CallView> ChannelTracker::Calls(std::string_view device) const {
  std::vector<CallView> calls;
  const ChannelTable::Device* const found = table_.FindDevice(device);
  if (found == nullptr) return calls;
  std::vector<const Channel*> channels(found->channels.begin(), found->channels.end());
  std::sort(channels.begin(), channels.end(),
            [](const Channel* a, const Channel* b) { return a->birth < b->birth; });
  for (const Channel* channel : channels) {
    calls.push_back(ViewOf(*channel));
  }
  return calls;
}

std::optional<CallView> ChannelTracker::Call(std::string_view uniqueid) const {
  const Channel* const channel = table_.Find(uniqueid);
  return channel == nullptr ? std::nullopt : std::optional<CallView>(ViewOf(*channel));
}

CallView ChannelTracker::ViewOf(const Channel& channel) {
  const CallDetails& details = channel.details;
  const Channel* const peer = ChannelTable::Peer(channel);
  return {.channel = channel.name,
          .uniqueid = channel.uniqueid,
          .direction = channel.direction,
          .phase = PhaseOf(channel),
          .holding = channel.holding,
          .held = ChannelTable::Held(channel),
          .state = StateOf(details, channel.direction, channel.state),
          .other_party = OtherParty(details, channel.direction),
          .start_time = details.start_time,
          .answer_time = details.answer_time,
          .linkedid = details.linkedid,
          .peer = peer == nullptr ? std::string() : peer->name,
          .peer_uniqueid = peer == nullptr ? std::string() : peer->uniqueid};
}

// --- Lists -----------------------------------------------------------------------------------

void ChannelTracker::LinkLost() {
  table_.ForgetBridges();
  table_.ForEach([](Channel& channel) {
    channel.seen_born = false;
    channel.confirmed = false;
    channel.holding = false;
    channel.music = false;
    channel.hold_heard = false;
    channel.music_heard = false;
    channel.holding_inferred = false;
    channel.music_inferred = false;
  });
  on_hold_.clear();
  syncing_ = true;
  listed_once_ = false;
}

void ChannelTracker::BeginList() {
  list_begin_ = table_.births();
  wants_directions_ = false;
  table_.ForEach([](Channel& channel) { channel.listed = false; });
}

void ChannelTracker::OnRow(const ami::Message& row) {
  Channel* channel = table_.Find(row.Get("Uniqueid"));
  const std::string_view name = row.Get("Channel");
  bool known = channel != nullptr;
  if (channel != nullptr && !channel->confirmed && channel->name != name) {
    // Another Asterisk process gives the same Uniqueid to another call.
    table_.Remove(*channel);
    probe_.dropped_channels.Add();
    channel = nullptr;
    known = false;
  }
  if (channel == nullptr) {
    channel = Create(row);
    if (channel == nullptr) return;
    probe_.found_channels.Add();
  }
  table_.SetName(*channel, name);
  channel->confirmed = true;
  channel->listed = true;
  if (const auto state = ParseChannelState(row.Get("ChannelState"))) channel->state = *state;
  const auto direction = channel->direction_known ? CertainDirection(channel->state, row)
                                                  : LikelyDirection(channel->state, row);
  if (direction) {
    SetDirection(*channel, *direction);
  } else if (!channel->direction_known && channel->device != nullptr) {
    wants_directions_ = true;
  }
  const std::string_view bridge = row.Get("BridgeId");
  if (bridge.empty()) {
    table_.LeaveBridge(*channel);
  } else if (ChannelTable::ValidId(bridge)) {
    table_.EnterBridge(*channel, bridge, {});
  }
  if (channel->device != nullptr) TakeListRow(channel->details, row, channel->state, known, now_);
  table_.Touch(*channel);
}

void ChannelTracker::OnDirectionRow(const ami::Message& row) {
  Channel* const channel = table_.Find(row.Get("Uniqueid"));
  if (channel == nullptr || channel->direction_known) return;
  const bool dialled = !row.Get("DNID").empty();
  if (dialled) TakeDialled(channel->details, row.Get("DNID"));
  const auto direction = LikelyDirection(channel->state, row);
  SetDirection(*channel, direction.value_or(dialled ? Direction::kEmitted : Direction::kReceived));
  channel->direction_untold = !direction && !dialled;
}

void ChannelTracker::EndList(bool complete, CauseKind cause) {
  listed_once_ = true;
  std::vector<Channel*> gone;
  table_.ForEach([&](Channel& channel) {
    // Born while Asterisk listed: it may be missing in the rows and alive.
    const bool young = channel.seen_born && channel.birth > list_begin_;
    const bool doubtful = complete || !channel.confirmed;
    if (!channel.listed && !young && doubtful) gone.push_back(&channel);
  });
  probe_.dropped_channels.Add(gone.size());
  // The table's own order differs from run to run.
  std::sort(gone.begin(), gone.end(),
            [](const Channel* a, const Channel* b) { return a->uniqueid < b->uniqueid; });
  for (Channel* channel : gone) table_.Remove(*channel);
  table_.Settle(cause, !syncing_);
}

void ChannelTracker::OnDeviceState(std::string_view device, DeviceState state) {
  if (syncing_) {
    if (state != DeviceState::kOnHold) {
      on_hold_.erase(ToAbsl(device));
    } else if (on_hold_.size() < kMaxOnHold) {
      on_hold_.emplace(device);
    }
    return;
  }
  if (state == DeviceState::kOnHold) {
    if (InferHold(device)) on_hold_.emplace(device);
  } else if (on_hold_.erase(ToAbsl(device)) != 0) {
    ForgetInferredHold(device);
  }
  table_.Settle(CauseKind::kDeviceStateChange, true);
}

bool ChannelTracker::InferHold(std::string_view device) {
  const ChannelTable::Device* const found = table_.FindDevice(device);
  if (found == nullptr) return false;
  bool inferred = false;
  for (Channel* channel : found->channels) {
    if (channel->state != ChannelState::kUp || channel->music_heard) continue;
    Channel* const peer = ChannelTable::Peer(*channel);
    if (peer == nullptr) {
      channel->music = true;
      channel->music_inferred = true;
    } else if (!peer->hold_heard) {
      peer->holding = true;
      peer->holding_inferred = true;
    } else {
      continue;
    }
    inferred = true;
    table_.Touch(*channel);
  }
  return inferred;
}

void ChannelTracker::ForgetInferredHold(std::string_view device) {
  const ChannelTable::Device* const found = table_.FindDevice(device);
  if (found == nullptr) return;
  for (Channel* channel : found->channels) {
    if (channel->music_inferred) channel->music = false;
    channel->music_inferred = false;
    ForgetInferredHolding(ChannelTable::Peer(*channel));
    table_.Touch(*channel);
  }
}

void ChannelTracker::ForgetInferredHolding(Channel* holder) {
  if (holder == nullptr || !holder->holding_inferred) return;
  holder->holding = false;
  holder->holding_inferred = false;
}

void ChannelTracker::EndResync(CauseKind cause) {
  if (syncing_) {
    absl::erase_if(on_hold_, [this](const std::string& device) { return !InferHold(device); });
  }
  syncing_ = false;
  listed_once_ = true;
  table_.GiveOutAll(cause);
}

}  // namespace unipresence::pbx
