#ifndef UNIPRESENCE_TESTS_SIMULATION_CALLS_H_
#define UNIPRESENCE_TESTS_SIMULATION_CALLS_H_

// The calls of the simulated PBX: what phones do, and the events it makes, in Asterisk's order.
//
//   // Newchannel in state Ring; bob's leg, DialBegin; it rings: alice's device state only now.
//   ChannelId own = *calls.Dial(alice, "1001");
//   ChannelId leg = calls.LegsOf(own).front();
//   calls.Answer(leg);
//   calls.Hold(own);
//   calls.Hangup(leg);
//
// The sequences were read off recorded streams of Asterisk 22 (tests/data/traces and
// tests/simulation/recorded); tests compare both.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"
#include "tests/simulation/ast_db.h"
#include "tests/simulation/channel.h"
#include "tests/simulation/directory.h"
#include "tests/simulation/event_stream.h"
#include "tests/simulation/phones.h"
#include "tests/simulation/random.h"

namespace unipresence::simulation {

// An AMI Originate: the own phone rings first, and once answered it dials `exten`.
struct OriginateRequest {
  std::string channel;  // "PJSIP/alice"
  std::string context;
  std::string exten;
  std::string action_id;
  std::string uniqueid{};  // of the own channel; empty = Asterisk chooses
};

// Not thread-safe. Operations that make no sense in the present state answer FAILED_PRECONDITION
// and a channel that is gone NOT_FOUND; nothing is sent then.
class Calls {
 public:
  Calls(const Directory& directory, Phones& phones, const AstDb& database, EventStream& events,
        const Clock& clock, std::uint64_t seed);

  // The phone dials. With `ring` the far side rings at once, else when Ring() is called: until then
  // no device state tells of the call. NOT_FOUND: no such number. Returns the caller's channel; it
  // may be gone already (do not disturb, nobody registered).
  absl::StatusOr<ChannelId> Dial(EndpointId phone, std::string_view number, bool ring = true);

  absl::Status Ring(ChannelId leg);
  absl::Status Answer(ChannelId leg);

  // The dialled phone refuses: cause 17 busy, 21 rejected, 19 when nobody answered in time.
  absl::Status Refuse(ChannelId leg, int cause);

  absl::Status Hold(ChannelId channel);
  absl::Status Unhold(ChannelId channel);

  // The phone of this channel hangs up, or gives up while it dials.
  absl::Status Hangup(ChannelId channel);

  // The phone of this channel sends the other side to a number and is out of the call.
  absl::Status BlindTransfer(ChannelId channel, std::string_view number, bool ring = true);

  // The phone of two calls puts their far sides together and is out of both.
  absl::Status AttendedTransfer(ChannelId first, ChannelId second);

  // The phone takes the call that rings at a number ("*8" and the number).
  absl::StatusOr<ChannelId> Pickup(EndpointId phone, std::string_view number);

  // FAILED_PRECONDITION: no such phone, or it has no contact; an OriginateResponse told of it.
  absl::StatusOr<ChannelId> Originate(OriginateRequest request);

  // Asterisk stops: every channel is hung up.
  void HangupAll();

  // The process is gone: channels vanish without a word.
  void Forget();

  const Channel* Find(ChannelId channel) const;
  // By its name or, as Asterisk's actions take it too, its unique id.
  const Channel* FindByName(std::string_view name) const;
  std::vector<ChannelId> ChannelsOf(EndpointId phone) const;
  std::vector<ChannelId> LegsOf(ChannelId dialler) const;
  ChannelId PeerOf(ChannelId channel) const;  // in its bridge; kNoChannel if alone

  // By id, the order of birth.
  const std::map<ChannelId, Channel>& channels() const { return channels_; }
  const Bridge* BridgeOf(const Channel& channel) const;

 private:
  struct End {
    int cause = 16;
    std::string_view tech_cause;
  };

  Channel& Make(EndpointId phone, ChannelState state, std::string_view exten);
  // Dials from a channel that exists; hangs it up if there is nowhere to go.
  void StartDial(Channel& caller, std::string_view number, bool ring);
  // The phone's answer to being dialled. Its channel and the caller's run in two threads of
  // Asterisk, so that the order of DialBegin, Newstate and DialState varies; with `begin` DialBegin
  // is due too.
  void RingLeg(Channel& leg, bool begin);
  void Connect(Channel& caller, Channel& callee);
  void CancelLegs(const Channel& caller, const End& end, std::string_view status,
                  ChannelId except = kNoChannel);
  // Music stops first, unless the caller of this stops it later.
  void LeaveBridge(Channel& channel, bool stop_music = true);
  void DestroyBridge(std::uint32_t bridge);
  void StopMusic(Channel& channel);
  void FinishBridged(Channel& channel);
  void Finish(ChannelId channel, const End& end);
  void EndCaller(ChannelId caller, const End& end);
  void SetState(Channel& channel, ChannelState state);
  void ShowDevice(const Channel& channel, bool refresh);

  absl::StatusOr<Channel*> Living(ChannelId channel);
  absl::StatusOr<Channel*> Bridged(ChannelId channel);
  Party PartyOf(EndpointId phone) const;
  Channel* Peer(const Channel& channel);
  std::string NewUuid();

  void Emit(std::string_view name, const std::string& headers);
  void EmitChannel(std::string_view name, const Channel& channel, std::string_view more = {});
  void EmitDial(std::string_view name, const Channel* caller, const Channel& leg,
                std::string_view more);
  void EmitDialBegin(const Channel* caller, const Channel& leg);
  void EmitBridge(std::string_view name, const Bridge& bridge, const Channel* channel,
                  std::string_view more = {});
  void EmitOriginateResponse(const OriginateRequest& request, const Channel* channel);

  const Directory& directory_;
  Phones& phones_;
  const AstDb& database_;
  EventStream& events_;
  const Clock& clock_;
  Random random_;
  bool vary_;  // what varies in Asterisk
  std::map<ChannelId, Channel> channels_;
  std::map<EndpointId, std::vector<ChannelId>> by_phone_;
  std::map<std::uint32_t, Bridge> bridges_;
  std::map<ChannelId, OriginateRequest> originates_;
  ChannelId last_channel_ = kNoChannel;
  std::uint32_t last_bridge_ = kNoBridge;
  std::uint32_t serial_ = 0;  // of names and unique ids; begins anew with each process
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_CALLS_H_
