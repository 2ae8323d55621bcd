#ifndef UNIPRESENCE_TESTS_SIMULATION_SIMULATED_PBX_H_
#define UNIPRESENCE_TESTS_SIMULATION_SIMULATED_PBX_H_

// A whole simulated Asterisk without its AMI: users, phones, calls, AstDB, hints, mailboxes, and
// the life of the process. Its events go to one sink; the AMI server (ami_server.h) is one, and
// tests that need no socket use their own:
//
//   SimulatedPbx pbx(Directory::Generated(10), Clock::System(), sink, /*seed=*/1);
//   pbx.phones().Register(*pbx.directory().FindEndpoint("user0"));
//   pbx.calls().Dial(...);

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "aggregator/base/clock.h"
#include "tests/simulation/ast_db.h"
#include "tests/simulation/calls.h"
#include "tests/simulation/directory.h"
#include "tests/simulation/event_stream.h"
#include "tests/simulation/hints.h"
#include "tests/simulation/phones.h"

namespace unipresence::simulation {

struct Mailbox {
  int new_messages = 0;
  int old_messages = 0;
};

// Not thread-safe. The clock and the sink must outlive it. Booted after construction.
class SimulatedPbx {
 public:
  // Seed 0 sends all events in the order in which they are made; any other interleaves as
  // Asterisk's threads do.
  SimulatedPbx(Directory directory, const Clock& clock, EventSink& sink, std::uint64_t seed);
  SimulatedPbx(const SimulatedPbx&) = delete;
  SimulatedPbx& operator=(const SimulatedPbx&) = delete;

  const Directory& directory() const { return directory_; }
  const Clock& clock() const { return clock_; }
  AstDb& database() { return database_; }
  Phones& phones() { return phones_; }
  const Phones& phones() const { return phones_; }
  Hints& hints() { return hints_; }
  Calls& calls() { return calls_; }
  const Calls& calls() const { return calls_; }

  // "1000@default". A change gives a MessageWaiting.
  void SetMailbox(const std::string& name, Mailbox mailbox);
  Mailbox MailboxOf(const std::string& name) const;

  // Global variables of the dialplan, empty if never set.
  void SetGlobal(std::string_view name, std::string_view value);
  std::string Global(std::string_view name) const;

  // The event of an AMI Reload; an empty module is "All".
  void Reload(std::string_view module);

  // A custom event of the dialplan or of an AMI client. `headers` as lines ending in CR LF.
  void SendUserEvent(std::string_view name, std::string_view headers);

  // --- life of the process ---

  // The last event of a clean stop; the calls have been hung up before.
  void EmitShutdown(bool restart);

  // The process ended. After this nothing is to be asked until Start().
  void Stopped(bool clean);

  // A new process: it takes connections but is not booted yet, and its lists are incomplete.
  void Start();

  // Contacts come back with ContactStatus, without device events; then FullyBooted.
  void FinishBoot();
  bool booted() const { return booted_; }

  // Seconds since the process started and since the last reload.
  std::int64_t Uptime() const;
  std::int64_t SinceReload() const;

 private:
  const Clock& clock_;
  Directory directory_;
  EventStream events_;
  AstDb database_;
  Phones phones_;
  Hints hints_;
  Calls calls_;
  std::map<std::string, Mailbox> mailboxes_;
  std::map<std::string, std::string, std::less<>> globals_;
  bool booted_ = true;
  MonotonicTime started_;
  MonotonicTime reloaded_;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_SIMULATED_PBX_H_
