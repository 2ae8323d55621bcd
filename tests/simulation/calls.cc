#include "tests/simulation/calls.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "aggregator/base/status_macros.h"
#include "fmt/format.h"
#include "tests/simulation/dialplan.h"

namespace unipresence::simulation {
namespace {

// Of two linked ids "seconds.serial" of one process: the one with the lower serial.
std::string Older(const std::string& a, const std::string& b) {
  return std::pair(a.size(), a) < std::pair(b.size(), b) ? a : b;
}

}  // namespace

Calls::Calls(const Directory& directory, Phones& phones, const AstDb& database, EventStream& events,
             const Clock& clock, std::uint64_t seed)
    : directory_(directory),
      phones_(phones),
      database_(database),
      events_(events),
      clock_(clock),
      random_(seed),
      vary_(seed != 0) {}

// --- dialling ---

absl::StatusOr<ChannelId> Calls::Dial(EndpointId phone, std::string_view number, bool ring) {
  const std::string context = directory_.User(directory_.OwnerOf(phone)).context;
  if (!directory_.FindNumber(context, number).has_value()) {
    return absl::NotFoundError(fmt::format("no number {} in {}", number, context));
  }
  const EventStream::Instant instant(events_);
  Channel& caller = Make(phone, ChannelState::kRing, number);
  caller.dnid = std::string(number);
  const ChannelId id = caller.id;
  EmitChannel("Newchannel", caller);
  ShowDevice(caller, /*refresh=*/false);
  StartDial(caller, number, ring);
  return id;
}

void Calls::StartDial(Channel& caller, std::string_view number, bool ring) {
  caller.exten = std::string(number);
  const Route route = FindRoute(directory_, phones_, database_, caller.context, number);
  if (!route.phone.has_value()) {
    EndCaller(caller.id, {route.cause, {}});
    return;
  }
  Channel& leg = Make(*route.phone, ChannelState::kDown, "s");
  leg.dialler = caller.id;
  leg.linkedid = caller.linkedid;
  leg.application = "AppDial";
  leg.data = "(Outgoing Line)";
  caller.application = "Dial";
  caller.data = fmt::format("PJSIP/{},30", directory_.EndpointName(leg.phone));
  EmitChannel("Newchannel", leg);
  leg.exten = std::string(number);
  leg.connected = caller.caller;
  EmitChannel("NewConnectedLine", leg);
  ShowDevice(leg, /*refresh=*/false);
  if (ring) {
    RingLeg(leg, /*begin=*/true);
  } else {
    EmitDialBegin(&caller, leg);
  }
  caller.connected = leg.caller;
  EmitChannel("NewConnectedLine", caller);
}

void Calls::RingLeg(Channel& leg, bool begin) {
  const Channel* caller = Find(leg.dialler);
  const std::uint64_t order = vary_ ? random_.Below(4) : 0;
  const bool rings_first = begin && order == 1;
  const bool rings_last = order == 2;
  if (rings_first) SetState(leg, ChannelState::kRinging);
  if (begin) EmitDialBegin(caller, leg);
  if (!rings_last) SetState(leg, ChannelState::kRinging);
  EmitDial("DialState", caller, leg, Header("DialStatus", "RINGING"));
  if (rings_last) SetState(leg, ChannelState::kRinging);
  ShowDevice(leg, /*refresh=*/true);
  // Only now Asterisk looks at the caller's phone.
  if (caller != nullptr) ShowDevice(*caller, /*refresh=*/true);
}

absl::Status Calls::Ring(ChannelId leg) {
  UNIPRESENCE_ASSIGN_OR_RETURN(Channel * own, Living(leg));
  if (own->state != ChannelState::kDown) {
    return absl::FailedPreconditionError(
        fmt::format("{} is {} already", own->name, ToString(own->state)));
  }
  const EventStream::Instant instant(events_);
  RingLeg(*own, /*begin=*/false);
  return absl::OkStatus();
}

absl::Status Calls::Answer(ChannelId leg) {
  UNIPRESENCE_ASSIGN_OR_RETURN(Channel * own, Living(leg));
  if (own->dialler == kNoChannel && !own->originated) {
    return absl::FailedPreconditionError(
        fmt::format("{} is not called by anybody; it is {}", own->name, ToString(own->state)));
  }
  const EventStream::Instant instant(events_);
  SetState(*own, ChannelState::kUp);
  ShowDevice(*own, /*refresh=*/true);
  if (own->originated) {
    own->originated = false;
    EmitDial("DialEnd", nullptr, *own, Header("DialStatus", "ANSWER"));
    const OriginateRequest request = originates_.at(leg);
    originates_.erase(leg);
    EmitOriginateResponse(request, own);
    own->context = request.context;
    StartDial(*own, request.exten, /*ring=*/true);
    return absl::OkStatus();
  }
  Channel& caller = channels_.at(own->dialler);
  CancelLegs(caller, {26, {}}, "CANCEL", leg);
  own->exten.clear();
  EmitDial("DialEnd", &caller, *own, Header("DialStatus", "ANSWER"));
  Connect(caller, *own);
  return absl::OkStatus();
}

void Calls::Connect(Channel& caller, Channel& callee) {
  SetState(caller, ChannelState::kUp);
  callee.dialler = kNoChannel;
  Bridge& bridge = bridges_[++last_bridge_];
  bridge.id = last_bridge_;
  bridge.uuid = NewUuid();
  EmitBridge("BridgeCreate", bridge, nullptr);
  for (Channel* channel : {&callee, &caller}) {
    bridge.channels.push_back(channel->id);
    channel->bridge = bridge.id;
    EmitBridge("BridgeEnter", bridge, channel);
  }
  ShowDevice(caller, /*refresh=*/true);
}

absl::Status Calls::Refuse(ChannelId leg, int cause) {
  UNIPRESENCE_ASSIGN_OR_RETURN(Channel * own, Living(leg));
  if (own->dialler == kNoChannel && !own->originated) {
    return absl::FailedPreconditionError(fmt::format("{} is not called by anybody", own->name));
  }
  const EventStream::Instant instant(events_);
  const bool timeout = cause == 19;
  const std::string_view tech = cause == 17 ? "486" : "603";
  if (!timeout) {
    EmitChannel("HangupRequest", *own,
                Header("Cause", std::to_string(cause)) + Header("TechCause", tech));
  }
  const Channel* caller = Find(own->dialler);
  EmitDial("DialEnd", caller, *own, Header("DialStatus", timeout ? "NOANSWER" : "BUSY"));
  if (own->originated) EmitOriginateResponse(originates_.at(leg), nullptr);
  const ChannelId dialler = own->dialler;
  Finish(leg, {cause, timeout ? std::string_view() : tech});
  if (dialler != kNoChannel && LegsOf(dialler).empty()) EndCaller(dialler, {cause, {}});
  return absl::OkStatus();
}

absl::StatusOr<ChannelId> Calls::Originate(OriginateRequest request) {
  const std::optional<EndpointId> phone = directory_.FindEndpoint(request.channel);
  if (!phone.has_value() || !phones_.Reachable(*phone)) {
    EmitOriginateResponse(request, nullptr);
    return absl::FailedPreconditionError(fmt::format("{} has no contact", request.channel));
  }
  const EventStream::Instant instant(events_);
  Channel& own = Make(*phone, ChannelState::kDown, "s");
  own.originated = true;
  if (!request.uniqueid.empty()) own.uniqueid = own.linkedid = request.uniqueid;
  own.application = "AppDial2";
  own.data = "(Outgoing Line)";
  EmitChannel("Newchannel", own);
  own.connected = own.caller;
  EmitChannel("NewConnectedLine", own);
  originates_.emplace(own.id, std::move(request));
  ShowDevice(own, /*refresh=*/false);
  RingLeg(own, /*begin=*/true);
  return own.id;
}

// --- within a call ---

absl::Status Calls::Hold(ChannelId channel) {
  UNIPRESENCE_ASSIGN_OR_RETURN(Channel * own, Bridged(channel));
  if (own->holding) return absl::FailedPreconditionError(own->name + " holds already");
  const EventStream::Instant instant(events_);
  own->holding = true;
  EmitChannel("Hold", *own, Header("MusicClass", "default"));
  Channel& other = *Peer(*own);
  other.held = true;
  EmitChannel("MusicOnHoldStart", other, Header("Class", "default"));
  ShowDevice(other, /*refresh=*/true);
  return absl::OkStatus();
}

absl::Status Calls::Unhold(ChannelId channel) {
  UNIPRESENCE_ASSIGN_OR_RETURN(Channel * own, Bridged(channel));
  if (!own->holding) return absl::FailedPreconditionError(own->name + " holds nobody");
  const EventStream::Instant instant(events_);
  own->holding = false;
  EmitChannel("Unhold", *own);
  Channel& other = *Peer(*own);
  StopMusic(other);
  ShowDevice(other, /*refresh=*/true);
  return absl::OkStatus();
}

absl::Status Calls::Hangup(ChannelId channel) {
  UNIPRESENCE_ASSIGN_OR_RETURN(Channel * own, Living(channel));
  if (own->dialler != kNoChannel || own->originated) return Refuse(channel, 21);
  const EventStream::Instant instant(events_);
  if (own->bridge != kNoBridge) {
    EmitChannel("HangupRequest", *own, Header("Cause", "16"));
    FinishBridged(*own);
    return absl::OkStatus();
  }
  const std::string tech = Header("TechCause", "487");
  const bool gives_up = own->state == ChannelState::kRing;
  EmitChannel("HangupRequest", *own,
              gives_up ? Header("Cause", "127") + tech : Header("Cause", "16"));
  CancelLegs(*own, gives_up ? End{127, "500"} : End{}, "CANCEL");
  EmitChannel("SoftHangupRequest", *own, Header("Cause", "16") + (gives_up ? tech : ""));
  Finish(channel, gives_up ? End{127, "487"} : End{});
  return absl::OkStatus();
}

absl::Status Calls::BlindTransfer(ChannelId channel, std::string_view number, bool ring) {
  UNIPRESENCE_ASSIGN_OR_RETURN(Channel * own, Bridged(channel));
  Channel& other = *Peer(*own);
  if (!directory_.FindNumber(own->context, number).has_value()) {
    return absl::NotFoundError(fmt::format("no number {} in {}", number, own->context));
  }
  const EventStream::Instant instant(events_);
  EmitChannel("Unhold", *own);
  std::string headers = Header("Result", "Success");
  AppendChannel(headers, "Transferer", *own);
  AppendChannel(headers, "Transferee", other);
  const std::uint32_t bridge = own->bridge;
  AppendBridge(headers, "", bridges_.at(bridge));
  AppendHeader(headers, "IsExternal", "Yes");
  AppendHeader(headers, "Context", own->context);
  AppendHeader(headers, "Extension", number);
  Emit("BlindTransfer", headers);
  LeaveBridge(other);
  LeaveBridge(*own);
  DestroyBridge(bridge);
  Finish(channel, {});
  ShowDevice(other, /*refresh=*/true);
  StartDial(other, number, ring);
  return absl::OkStatus();
}

absl::Status Calls::AttendedTransfer(ChannelId first, ChannelId second) {
  UNIPRESENCE_ASSIGN_OR_RETURN(Channel * own, Bridged(first));
  UNIPRESENCE_ASSIGN_OR_RETURN(Channel * consult, Bridged(second));
  if (own->phone != consult->phone || own->bridge == consult->bridge) {
    return absl::FailedPreconditionError(
        fmt::format("{} and {} are not two calls of one phone", own->name, consult->name));
  }
  const EventStream::Instant instant(events_);
  Channel& transferee = *Peer(*own);
  Channel& target = *Peer(*consult);
  const std::uint32_t old_bridge = own->bridge;
  Bridge& bridge = bridges_.at(consult->bridge);
  EmitChannel("Unhold", *own);
  EmitChannel("Unhold", *consult);
  std::string headers = Header("Result", "Success");
  AppendChannel(headers, "OrigTransferer", *own);
  AppendBridge(headers, "Orig", bridges_.at(old_bridge));
  AppendChannel(headers, "SecondTransferer", *consult);
  AppendBridge(headers, "Second", bridge);
  AppendChannel(headers, "Transferee", transferee);
  AppendChannel(headers, "TransferTarget", target);
  AppendHeader(headers, "IsExternal", "No");
  AppendHeader(headers, "DestType", "Bridge");
  AppendHeader(headers, "DestBridgeUniqueid", bridge.uuid);
  LeaveBridge(transferee, /*stop_music=*/false);
  LeaveBridge(*consult);
  bridge.channels.push_back(transferee.id);
  transferee.bridge = bridge.id;
  EmitBridge("BridgeEnter", bridge, &transferee, Header("SwapUniqueid", consult->uniqueid));
  EmitChannel("SoftHangupRequest", *consult, Header("Cause", "1"));
  Emit("AttendedTransfer", headers);
  // The two far sides are one call now: the older linked id wins.
  target.linkedid = transferee.linkedid = Older(target.linkedid, transferee.linkedid);
  target.connected = transferee.caller;
  EmitChannel("NewConnectedLine", target);
  Finish(second, {});
  LeaveBridge(*own);
  StopMusic(transferee);
  StopMusic(target);
  transferee.connected = target.caller;
  EmitChannel("NewConnectedLine", transferee);
  Finish(first, {});
  DestroyBridge(old_bridge);
  ShowDevice(transferee, /*refresh=*/true);
  ShowDevice(target, /*refresh=*/true);
  return absl::OkStatus();
}

absl::StatusOr<ChannelId> Calls::Pickup(EndpointId phone, std::string_view number) {
  const auto ringing = std::find_if(channels_.begin(), channels_.end(), [&](const auto& entry) {
    const Channel& leg = entry.second;
    return leg.dialler != kNoChannel && leg.exten == number && leg.phone != phone;
  });
  if (ringing == channels_.end()) {
    return absl::FailedPreconditionError(fmt::format("nothing rings at {}", number));
  }
  const EventStream::Instant instant(events_);
  const ChannelId target_id = ringing->first;
  Channel& own = Make(phone, ChannelState::kRing, fmt::format("*8{}", number));
  Channel& target = channels_.at(target_id);
  Channel& caller = channels_.at(target.dialler);
  EmitChannel("Newchannel", own);
  own.connected = caller.caller;
  EmitChannel("NewConnectedLine", own);
  SetState(own, ChannelState::kUp);
  ShowDevice(own, /*refresh=*/true);
  std::string headers;
  AppendChannel(headers, "", own);
  AppendChannel(headers, "Target", target);
  Emit("Pickup", headers);
  EmitChannel("SoftHangupRequest", target, Header("Cause", "16"));
  own.linkedid = caller.linkedid;
  own.dnid = own.exten;
  own.application = "AppDial";
  own.data = "(Outgoing Line)";
  caller.connected = own.caller;
  EmitChannel("NewConnectedLine", caller);
  target.exten = own.exten;
  own.exten.clear();
  EmitDial("DialEnd", &caller, own, Header("DialStatus", "ANSWER"));
  Finish(target_id, {26, {}});
  CancelLegs(caller, {26, {}}, "CANCEL");
  Connect(caller, own);
  return own.id;
}

// --- the end of the process ---

void Calls::HangupAll() {
  const EventStream::Instant instant(events_);
  while (!channels_.empty()) {
    Channel& channel = channels_.begin()->second;
    EmitChannel("SoftHangupRequest", channel, Header("Cause", "4"));
    if (channel.bridge != kNoBridge) {
      FinishBridged(channel);
      continue;
    }
    CancelLegs(channel, {}, "CANCEL");
    Finish(channel.id, {});
  }
}

void Calls::Forget() {
  channels_.clear();
  by_phone_.clear();
  bridges_.clear();
  originates_.clear();
  serial_ = 0;
}

}  // namespace unipresence::simulation
