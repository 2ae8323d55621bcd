#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_PBX_CONTROL_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_PBX_CONTROL_H_

// Commands about one PBX as a whole, for services; the pipeline carries them out. Reached from a
// command (executor.h):
//
//   core.pbx_control->Reconcile("main", [](absl::StatusOr<ReconcileReport> report) { ... });
//
// Thread: the pipeline's, for calls and callbacks. A callback runs exactly once, possibly before
// the call returns, or is destroyed unrun when the pipeline stops.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"
#include "aggregator/model/rendered_configuration.h"

namespace unipresence {

// What a reconciling found and mended.
struct ReconcileReport {
  std::uint64_t corrections = 0;  // presences that were wrong
  std::uint64_t rewrites = 0;  // AstDB keys and custom device states missing or wrong in Asterisk
  Duration duration{0};
  std::vector<std::string> corrected_users;  // ids, 100 at most
};

class PbxControl {
 public:
  virtual ~PbxControl() = default;

  using ReconcileCallback = absl::AnyInvocable<void(absl::StatusOr<ReconcileReport>) &&>;

  // Compares what is held of the PBX with what Asterisk says, and what Asterisk should hold with
  // what it holds, and mends both.
  //   NOT_FOUND           no PBX of that name is configured
  //   UNAVAILABLE         its link is not synced, or was lost before it was done
  //   RESOURCE_EXHAUSTED  one that was asked for runs already
  virtual void Reconcile(std::string_view pbx, ReconcileCallback done) = 0;
  // Answers those that run with CANCELLED; they end by themselves. For a server that stops.
  virtual void AbandonReconciles() = 0;

  // Calls `done` once every PBX of the user routes as the engine says now: so that the next call
  // after the answer to a command rings where it should. A PBX whose link is down, or that does not
  // answer within kTellPatience, is not waited for: it is told later.
  virtual void WhenWritten(std::string_view user, absl::AnyInvocable<void() &&> done) = 0;

  // Whether this server writes to the PBX from now on: for whoever decides which of several owns
  // it. Off: nothing is written any more; what waited is dropped, and WhenWritten waits no more.
  // Changes made from phones are taken over as before. On: what the PBX holds is compared with
  // what it should hold, and mended. Lasts until other settings of the PBX are taken by a reload.
  // NOT_FOUND: no PBX of that name is configured.
  virtual absl::Status SetWriteBack(std::string_view pbx, bool on) = 0;

  static constexpr Duration kTellPatience = std::chrono::milliseconds(250);

  using LoadCallback = absl::AnyInvocable<void(absl::Status) &&>;

  // Has the PBX load its configuration files anew, and makes sure that it then holds what is
  // `expected`. Then lists it anew, so that what the files brought is known when `done` runs; what
  // that changes is no correction.
  //   NOT_FOUND            no PBX of that name is configured
  //   UNAVAILABLE          its link is not synced, or was lost before it was done
  //   FAILED_PRECONDITION  it refused, or does not know all of them after some seconds; in its
  //                        words where it has any
  //   RESOURCE_EXHAUSTED   one that was asked for runs already
  virtual void Load(std::string_view pbx, ExpectedConfiguration expected, LoadCallback done) = 0;

  // What was found, for people: "endpoint bob".
  using ConflictsCallback = absl::AnyInvocable<void(absl::StatusOr<std::vector<std::string>>) &&>;

  enum class Look : std::uint8_t {
    kAfterReload,  // the PBX first loads what its files say now
    kAsItIs,  // nothing is changed: what waits in its files for a reload is seen of PJSIP alone
  };

  // Looks for names of `next` that the PBX has from elsewhere than the files of an earlier
  // rendering, `former`. Writes nothing.
  //   FAILED_PRECONDITION  the PBX cannot read its own files, and not for want of those of
  //                        `former`; or it could not be asked: in its words where it has any
  //   NOT_FOUND, UNAVAILABLE, RESOURCE_EXHAUSTED  as Load
  virtual void FindConflicts(std::string_view pbx, const ConfiguredNames& next,
                             const FormerConfiguration& former, Look look,
                             ConflictsCallback done) = 0;
};

// Where no pipeline runs: there are no PBXs, and nobody is waited for. Lives until the process
// ends.
PbxControl& NoPbxControl();

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_PBX_CONTROL_H_
