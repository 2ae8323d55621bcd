#include "tests/unit/pbx/naive_pbx.h"

#include "fmt/format.h"

namespace unipresence::pbx {

const std::vector<std::string>& NaivePbx::Devices() {
  static const std::vector<std::string> kDevices = {"PJSIP/alice", "PJSIP/alice_w", "PJSIP/bob",
                                                    "PJSIP/bob_w", "PJSIP/carol"};
  return kDevices;
}

NaivePbx::NaivePbx(std::function<void(const std::string&)> emit) : emit_(std::move(emit)) {
  for (const std::string& device : Devices()) registered_.insert(device);
  for (const std::string& device : Devices()) emitted_states_[device] = StateOf(device);
}

// --- Legs ---

NaivePbx::Leg* NaivePbx::Pick(unsigned a, const std::function<bool(const Leg&)>& fits) {
  std::vector<Leg*> legs;
  for (auto& [id, leg] : legs_) {
    if (fits(leg)) legs.push_back(&leg);
  }
  return legs.empty() ? nullptr : legs[a % legs.size()];
}

NaivePbx::Leg* NaivePbx::PeerOf(const Leg& leg) {
  Leg* peer = nullptr;
  for (auto& [id, other] : legs_) {
    if (other.bridge == leg.bridge && leg.bridge != 0 && other.id != leg.id) peer = &other;
  }
  return peer;
}

void NaivePbx::Emit(const std::string& event, const Leg& leg, const Headers& more) {
  Headers headers = {{"Event", event},      {"Privilege", "call,all"},
                     {"Channel", leg.name}, {"ChannelState", std::to_string(leg.state)},
                     {"Uniqueid", leg.id},  {"Linkedid", leg.linkedid}};
  headers.insert(headers.end(), more.begin(), more.end());
  emit_(Text(headers));
}

NaivePbx::Leg& NaivePbx::NewLeg(const std::string& device, int state, const std::string& linkedid,
                                const std::string& dialled) {
  const int number = ++last_id_;
  const std::string id = fmt::format("17{:08}.{:06}", process_, number);
  Leg& leg = legs_[id];
  leg.id = id;
  leg.name = fmt::format("{}-{:08x}", device, number);
  leg.device = device;
  leg.linkedid = linkedid.empty() ? id : linkedid;
  leg.dialled = dialled;
  leg.state = state;
  leg.emitted = state == kRingLeg;
  leg.application = state == kRingLeg ? "Dial" : "AppDial";
  leg.birth_told = heard_;
  Emit("Newchannel", leg);
  return leg;
}

NaivePbx::Leg& NaivePbx::NewLocalHalf(const std::string& name, int state,
                                      const std::string& linkedid) {
  const std::string id = fmt::format("17{:08}.{:06}", process_, ++last_id_);
  Leg& leg = legs_[id];
  leg.id = id;
  leg.name = name;
  leg.linkedid = linkedid;
  leg.state = state;
  leg.application = "AppDial";
  Emit("Newchannel", leg);
  return leg;
}

NaivePbx::Leg& NaivePbx::Call(Leg& caller, const std::string& device,
                              const std::string& application) {
  Leg& called = NewLeg(device, kDown, caller.linkedid, "");
  called.caller = caller.id;
  called.application = application;
  Emit("DialBegin", caller,
       {{"DestChannel", called.name},
        {"DestUniqueid", called.id},
        {"DestLinkedid", called.linkedid}});
  return called;
}

void NaivePbx::SetState(Leg& leg, int state) {
  leg.state = state;
  Emit("Newstate", leg);
}

void NaivePbx::SetMusic(Leg& leg, bool music) {
  if (leg.music == music) return;
  leg.music = music;
  leg.music_told = heard_;
  Emit(music ? "MusicOnHoldStart" : "MusicOnHoldStop", leg);
}

void NaivePbx::SetHold(Leg& leg, bool holds) {
  leg.holds = holds;
  leg.hold_told = heard_;
  Emit(holds ? "Hold" : "Unhold", leg);
  Leg* const peer = PeerOf(leg);
  if (peer == nullptr) return;
  peer->hold_indicated = holds;
  SetMusic(*peer, holds);
}

void NaivePbx::Enter(Leg& leg, int bridge, const std::string& type) {
  leg.bridge = bridge;
  leg.parked = type == "parking";
  Emit("BridgeEnter", leg, {{"BridgeUniqueid", std::to_string(bridge)}, {"BridgeType", type}});
}

void NaivePbx::Leave(Leg& leg) {
  if (leg.bridge == 0) return;
  Leg* const peer = PeerOf(leg);
  SetMusic(leg, false);
  leg.hold_indicated = false;
  Emit("BridgeLeave", leg, {{"BridgeUniqueid", std::to_string(leg.bridge)}});
  leg.bridge = 0;
  leg.parked = false;
  if (peer == nullptr) return;
  SetMusic(*peer, false);
  peer->hold_indicated = false;
}

void NaivePbx::Connect(Leg& called, Leg& caller) {
  called.caller.clear();
  Leave(called);
  Leave(caller);
  SetMusic(caller, false);  // of a queue
  if (caller.state != kUpLeg) SetState(caller, kUpLeg);
  const int bridge = ++last_bridge_;
  Enter(called, bridge, "basic");
  Enter(caller, bridge, "basic");
  called.linkedid = caller.linkedid = std::min(called.linkedid, caller.linkedid);
}

void NaivePbx::Gone(const std::string& id) {
  const auto found = legs_.find(id);
  if (found == legs_.end()) return;
  Leave(found->second);
  Emit("Hangup", found->second);
  legs_.erase(found);
}

void NaivePbx::HangupCall(const std::string& id) {
  const auto found = legs_.find(id);
  if (found == legs_.end()) return;
  std::vector<std::string> others;
  if (const Leg* peer = PeerOf(found->second)) others.push_back(peer->id);
  for (const auto& [other_id, other] : legs_) {
    if (other.caller == id) others.push_back(other_id);
  }
  Gone(id);
  for (const std::string& other : others) HangupCall(other);
}

// --- What phones do ---

void NaivePbx::AnswerLeg(Leg& leg, unsigned b) {
  if (leg.application == "AppDial2") {  // the own phone of an Originate: now the far side is called
    SetState(leg, kUpLeg);
    leg.application = "Dial";
    Call(leg, Devices()[b % Devices().size()], "AppDial");
    return;
  }
  const auto caller = legs_.find(leg.caller);
  if (caller == legs_.end()) return;
  const std::string id = leg.id;
  const std::string caller_id = leg.caller;
  SetState(leg, kUpLeg);
  std::vector<std::string> losers;
  for (const auto& [other_id, other] : legs_) {
    if (other.caller == caller_id && other_id != id) losers.push_back(other_id);
  }
  for (const std::string& loser : losers) HangupCall(loser);
  Connect(leg, caller->second);
  // The other half of a Local channel answers what dialled it.
  Leg& half = caller->second;
  if (!half.device.empty() || !half.name.ends_with(";2")) return;
  const std::string other_name = half.name.substr(0, half.name.size() - 1) + "1";
  Leg* const other = Pick(0, [&](const Leg& fits) { return fits.name == other_name; });
  if (other != nullptr && !other->caller.empty()) AnswerLeg(*other, b);
}

void NaivePbx::Do(Op op, unsigned a, unsigned b) {
  const std::string& device = Devices()[a % Devices().size()];
  const std::string& other_device = Devices()[b % Devices().size()];
  const auto is_line = [](const Leg& leg) { return !leg.device.empty(); };
  const auto talks = [&](const Leg& leg) {
    return is_line(leg) && leg.state == kUpLeg && leg.bridge != 0 && PeerOf(leg) != nullptr;
  };
  const auto is_offered = [&](const Leg& leg) {
    return is_line(leg) && leg.state != kUpLeg && leg.state != kRingLeg;
  };
  switch (op) {
    case Op::kDial:
      Call(NewLeg(device, kRingLeg, "", "100"), other_device, "AppDial");
      break;
    case Op::kDialThroughLocal: {
      Leg& caller = NewLeg(device, kRingLeg, "", "100");
      const std::string local = fmt::format("Local/100@default-{:08x}", last_id_);
      Leg& first = NewLocalHalf(local + ";1", kDown, caller.linkedid);
      first.caller = caller.id;
      Leg& second = NewLocalHalf(local + ";2", kRingLeg, caller.linkedid);
      Call(second, other_device, "AppDial");
      break;
    }
    case Op::kDialFromQueue: {
      Leg& caller = NewLeg(device, kRingLeg, "", "200");
      SetState(caller, kUpLeg);
      caller.application = "Queue";
      SetMusic(caller, true);
      Call(caller, other_device, "AppQueue");
      break;
    }
    case Op::kFork:
      if (Leg* leg = Pick(a, [&](const Leg& fits) {
            return is_line(fits) && fits.state == kRingLeg && fits.application == "Dial";
          })) {
        Call(*leg, other_device, "AppDial");
      }
      break;
    case Op::kRing:
      if (Leg* leg =
              Pick(a, [&](const Leg& fits) { return is_line(fits) && fits.state == kDown; })) {
        SetState(*leg, kRingingLeg);
      }
      break;
    case Op::kAnswer:
      if (Leg* leg = Pick(a, is_offered)) AnswerLeg(*leg, b);
      break;
    case Op::kHangup:
      if (const Leg* leg = Pick(a, [](const Leg&) { return true; })) HangupCall(leg->id);
      break;
    case Op::kHold:
      if (Leg* leg = Pick(a, [&](const Leg& fits) { return talks(fits) && !fits.holds; })) {
        SetHold(*leg, true);
      }
      break;
    case Op::kUnhold:
      if (Leg* leg = Pick(a, [&](const Leg& fits) { return talks(fits) && fits.holds; })) {
        SetHold(*leg, false);
      }
      break;
    case Op::kBlindTransfer:
      if (Leg* leg = Pick(a, talks)) {
        Leg& stays = *PeerOf(*leg);
        SetHold(*leg, false);
        Leave(stays);
        Gone(leg->id);
        if (stays.device.empty()) break;  // a Local half goes its own way
        stays.application = "Dial";
        Call(stays, other_device, "AppDial");
      }
      break;
    case Op::kAttendedTransfer: {
      Leg* const first = Pick(a, talks);
      if (first == nullptr) break;
      Leg* const second = Pick(b, [&](const Leg& fits) {
        return talks(fits) && fits.device == first->device && fits.id != first->id &&
               fits.bridge != first->bridge;
      });
      if (second == nullptr) break;
      SetHold(*first, false);
      SetHold(*second, false);
      Leg& left = *PeerOf(*first);
      Leg& right = *PeerOf(*second);
      const int bridge = right.bridge;
      Leave(*second);
      Leave(left);
      Enter(left, bridge, "basic");
      left.linkedid = right.linkedid = std::min(left.linkedid, right.linkedid);
      const std::string gone = second->id;
      Gone(first->id);
      Gone(gone);
      break;
    }
    case Op::kPickup:
      if (const Leg* target = Pick(a, [&](const Leg& fits) {
            return is_offered(fits) && legs_.contains(fits.caller);
          })) {
        const std::string target_id = target->id;
        Leg& picker = NewLeg(other_device, kRingLeg, "", "*8");
        SetState(picker, kUpLeg);
        picker.emitted = false;
        picker.application = "AppDial";
        Leg& ringing = legs_.at(target_id);
        Emit("Pickup", picker, {{"TargetChannel", ringing.name}, {"TargetUniqueid", ringing.id}});
        Leg& caller = legs_.at(ringing.caller);
        Gone(target_id);
        Connect(picker, caller);
      }
      break;
    case Op::kPark:
      if (Leg* leg = Pick(a, talks)) {
        Leg& stays = *PeerOf(*leg);
        SetHold(*leg, false);
        Leave(stays);
        Gone(leg->id);
        Enter(stays, ++last_bridge_, "parking");
        SetMusic(stays, true);
      }
      break;
    case Op::kUnpark:
      if (const Leg* parked = Pick(a, [](const Leg& fits) { return fits.parked; })) {
        const std::string parked_id = parked->id;
        Leg& taker = NewLeg(other_device, kRingLeg, "", "701");
        SetState(taker, kUpLeg);
        Leg& leg = legs_.at(parked_id);
        Leave(leg);
        Connect(leg, taker);
      }
      break;
    case Op::kOriginate: {
      Leg& leg = NewLeg(device, kDown, "", "");
      leg.emitted = true;
      leg.application = "AppDial2";
      emit_(Text({{"Event", "DialBegin"},
                  {"Privilege", "call,all"},
                  {"DestChannel", leg.name},
                  {"DestUniqueid", leg.id},
                  {"DestLinkedid", leg.linkedid}}));
      break;
    }
    case Op::kRename:
      // Of a renamed channel that nobody heard of, not even the lists know that it was another's.
      if (Leg* leg = heard_ ? Pick(a, is_line) : nullptr) {
        const std::string name = fmt::format("{}-{:08x}", other_device, ++last_id_);
        Emit("Rename", *leg, {{"Newname", name}});
        leg->name = name;
        leg->device = other_device;
        leg->renamed = true;
      }
      break;
    case Op::kBecomeZombie:
      if (Leg* leg = Pick(a, is_line)) {
        Emit("Rename", *leg, {{"Newname", leg->name + "<ZOMBIE>"}});
        leg->name += "<ZOMBIE>";
        leg->device.clear();
      }
      break;
    case Op::kRegister:
    case Op::kUnregister: {
      const bool registers = op == Op::kRegister;
      if (registers) registered_.insert(device);
      if (!registers) registered_.erase(device);
      emit_(Text({{"Event", "ContactStatus"},
                  {"Privilege", "system,all"},
                  {"URI", "sip:192.0.2.1"},
                  {"ContactStatus", registers ? "NonQualified" : "Removed"},
                  {"AOR", device.substr(6)},
                  {"EndpointName", device.substr(6)}}));
      break;
    }
    case Op::kChangeLinkedid:
      if (Leg* leg = Pick(a, talks)) leg->linkedid = "1600000000.1";
      break;
    case Op::kCount:
      break;
  }
  EmitDeviceStates();
}

// --- What is so ---

std::string NaivePbx::StateOf(const std::string& device) const {
  bool ringing = false;
  bool used = false;
  bool on_hold = false;
  for (const auto& [id, leg] : legs_) {
    if (leg.device != device) continue;
    if (leg.state == kRingingLeg) ringing = true;
    if (leg.state == kUpLeg || leg.state == kRingLeg) {
      (leg.hold_indicated ? on_hold : used) = true;
    }
  }
  if (ringing) return used || on_hold ? "RINGINUSE" : "RINGING";
  if (used) return "INUSE";
  if (on_hold) return "ONHOLD";
  return registered_.contains(device) ? "NOT_INUSE" : "UNAVAILABLE";
}

void NaivePbx::EmitDeviceStates() {
  for (const std::string& device : Devices()) {
    const std::string state = StateOf(device);
    if (emitted_states_[device] == state) continue;
    emitted_states_[device] = state;
    emit_(Text({{"Event", "DeviceStateChange"},
                {"Privilege", "call,all"},
                {"Device", device},
                {"State", state}}));
  }
}

void NaivePbx::Restart() {
  legs_.clear();
  ++process_;
  last_id_ = 0;
  for (const std::string& device : Devices()) emitted_states_[device] = StateOf(device);
}

void NaivePbx::ListenerLost() {
  for (auto& [id, leg] : legs_) {
    leg.hold_told = leg.hold_told && !leg.holds;
    leg.music_told = leg.music_told && !leg.music;
  }
}

NaivePbx::Truth NaivePbx::TruthOf(const std::string& device) const {
  Truth truth;
  truth.state = emitted_states_.at(device);
  truth.reachable = registered_.contains(device);
  for (const auto& [id, leg] : legs_) {
    if (leg.device != device) continue;
    const Leg* const peer = PeerOf(leg);
    const bool peer_holds = peer != nullptr && peer->holds;
    truth.emitting |= leg.emitted;
    truth.in_call |= leg.emitted || leg.state == kUpLeg;
    truth.has_renamed |= leg.renamed;
    truth.holding |= leg.holds;
    truth.held |= leg.bridge != 0 && (leg.music || peer_holds);
    // Who picked a call up and was then transferred looks as if he had dialled; whoever picked an
    // Originate up and joined an older call, as if he had been called.
    const bool looks_emitted = leg.application == "Dial" && !leg.dialled.empty();
    const bool looks_called =
        leg.application == "Dial" && leg.dialled.empty() && leg.linkedid != leg.id;
    const bool misleads = leg.emitted ? looks_called : looks_emitted;
    truth.direction_told &= leg.birth_told || !misleads;
    truth.holds_told &= leg.hold_told && leg.music_told && (peer == nullptr || peer->hold_told);
  }
  return truth;
}

Lists NaivePbx::MakeLists() const {
  static const std::map<std::string, std::string> kWords = {
      {"NOT_INUSE", "Not in use"}, {"INUSE", "In use"},   {"UNAVAILABLE", "Unavailable"},
      {"RINGING", "Ringing"},      {"ONHOLD", "On Hold"}, {"RINGINUSE", "Ring+Inuse"},
  };
  Lists lists;
  for (const std::string& device : Devices()) {
    const std::string endpoint = device.substr(6);
    const bool registered = registered_.contains(device);
    const std::string& state = emitted_states_.at(device);
    lists.endpoints->push_back(Text({{"Event", "EndpointList"},
                                     {"ObjectName", endpoint},
                                     {"Contacts", registered ? endpoint + "/sip:192.0.2.1," : ""},
                                     {"DeviceState", kWords.at(state)}}));
    lists.device_states->push_back(
        Text({{"Event", "DeviceStateChange"}, {"Device", device}, {"State", state}}));
    if (!registered) continue;
    lists.contacts->push_back(Text({{"Event", "ContactList"},
                                    {"Endpoint", endpoint},
                                    {"Uri", "sip:192.0.2.1"},
                                    {"Status", "NonQualified"}}));
  }
  for (const auto& [id, leg] : legs_) {
    const Headers common = {{"Channel", leg.name},
                            {"ChannelState", std::to_string(leg.state)},
                            {"Uniqueid", leg.id},
                            {"Linkedid", leg.linkedid},
                            {"Application", leg.application}};
    Headers row = {{"Event", "CoreShowChannel"}};
    row.insert(row.end(), common.begin(), common.end());
    row.emplace_back("BridgeId", leg.bridge == 0 ? "" : std::to_string(leg.bridge));
    lists.channels->push_back(Text(row));
    Headers status = {{"Event", "Status"}, {"Privilege", "Call"}};
    status.insert(status.end(), common.begin(), common.end());
    status.emplace_back("DNID", leg.dialled);
    lists.statuses->push_back(Text(status));
  }
  return lists;
}

}  // namespace unipresence::pbx
