#ifndef UNIPRESENCE_TESTS_UNIT_PBX_NAIVE_PBX_H_
#define UNIPRESENCE_TESTS_UNIT_PBX_NAIVE_PBX_H_

// A naive Asterisk for property tests: phones do random things, events and list rows come out as a
// real one writes them (tests/asterisk/traces/README.md), and the truth is read off the legs of the
// calls, which remember what was done with them. It shares no code with the tracker.

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/pbx/pbx_driver.h"

namespace unipresence::pbx {

class NaivePbx {
 public:
  enum class Op {
    kDial,
    kDialThroughLocal,
    kDialFromQueue,
    kFork,
    kRing,
    kAnswer,
    kHangup,
    kHold,
    kUnhold,
    kBlindTransfer,
    kAttendedTransfer,
    kPickup,
    kPark,
    kUnpark,
    kOriginate,
    kRename,
    kBecomeZombie,
    kRegister,
    kUnregister,
    kChangeLinkedid,
    kCount,
  };

  // What a device is to the engine.
  struct Truth {
    std::string state;  // token
    bool reachable = false;
    bool emitting = false;
    bool in_call = false;
    bool holding = false;
    bool held = false;
    // Events have told of all its holds since the link was last lost, so Asterisk lets one know
    // them.
    bool holds_told = true;
    // A leg of it came from another device, with a hold that no event of this one told.
    bool has_renamed = false;
    // A listener can know who originated its legs.
    bool direction_told = true;
  };

  static const std::vector<std::string>& Devices();

  // `emit` gets each event as text.
  explicit NaivePbx(std::function<void(const std::string&)> emit);

  // Does it with the legs and devices that `a` and `b` choose, if there are any to do it with.
  void Do(Op op, unsigned a, unsigned b);
  // A new process: all legs are gone without a word.
  void Restart();
  // The listener is gone: what it heard of holds does not count any more.
  void ListenerLost();
  // Whether events are heard; when they are not, they do not tell of holds.
  void set_heard(bool heard) { heard_ = heard; }

  Lists MakeLists() const;
  Truth TruthOf(const std::string& device) const;
  std::size_t leg_count() const { return legs_.size(); }

 private:
  enum LegState { kDown = 0, kRingLeg = 4, kRingingLeg = 5, kUpLeg = 6 };

  struct Leg {
    std::string id;
    std::string name;
    std::string device;  // empty for halves of Local channels and zombies
    std::string linkedid;
    std::string caller;  // the leg that dials this one, until it is answered
    std::string application;
    std::string dialled;
    int state = kDown;
    int bridge = 0;
    bool parked = false;
    bool emitted = false;
    bool holds = false;
    bool hold_indicated = false;  // the peer holds it
    bool music = false;
    bool birth_told = true;
    bool renamed = false;
    bool hold_told = true;
    bool music_told = true;
  };
  using Legs = std::map<std::string, Leg>;

  Leg& NewLeg(const std::string& device, int state, const std::string& linkedid,
              const std::string& dialled);
  Leg& NewLocalHalf(const std::string& name, int state, const std::string& linkedid);
  Leg& Call(Leg& caller, const std::string& device, const std::string& application);
  void Emit(const std::string& event, const Leg& leg, const Headers& more = {});
  void SetState(Leg& leg, int state);
  void SetMusic(Leg& leg, bool music);
  void SetHold(Leg& leg, bool holds);
  void Enter(Leg& leg, int bridge, const std::string& type);
  void Leave(Leg& leg);
  void Connect(Leg& called, Leg& caller);
  void Gone(const std::string& id);
  void HangupCall(const std::string& id);
  void AnswerLeg(Leg& leg, unsigned b);
  void EmitDeviceStates();
  std::string StateOf(const std::string& device) const;
  Leg* PeerOf(const Leg& leg);
  const Leg* PeerOf(const Leg& leg) const { return const_cast<NaivePbx*>(this)->PeerOf(leg); }

  // The `a`-th leg that fits, null if none does.
  Leg* Pick(unsigned a, const std::function<bool(const Leg&)>& fits);

  std::function<void(const std::string&)> emit_;
  Legs legs_;
  std::set<std::string> registered_;
  std::map<std::string, std::string> emitted_states_;
  int last_id_ = 0;
  int last_bridge_ = 0;
  int process_ = 0;
  bool heard_ = true;
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_TESTS_UNIT_PBX_NAIVE_PBX_H_
