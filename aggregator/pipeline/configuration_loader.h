#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_CONFIGURATION_LOADER_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_CONFIGURATION_LOADER_H_

// Has one Asterisk load its configuration anew, and makes sure that it did: PbxControl::Load for
// one PBX.
//
//   Reload of each module
//   -> PJSIPShowEndpoints, the marks (configuration.h)
//   -> each hint, each box
//   -> again, while some are missing, until kPatience is over: res_pjsip reloads behind its answer
//
// Thread: the pipeline's.

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/ami/session.h"
#include "aggregator/base/clock.h"
#include "aggregator/model/rendered_configuration.h"
#include "aggregator/pbx/configuration_check.h"
#include "aggregator/pipeline/counted_actions.h"
#include "aggregator/pipeline/pbx_control.h"

namespace unipresence {

class ConfigurationLoader {
 public:
  static constexpr Duration kPatience = std::chrono::seconds(10);
  static constexpr int kMaxInFlight = 16;

  // Both must outlive it.
  ConfigurationLoader(ami::Session& session, const Clock& clock)
      : session_(session), clock_(clock) {}

  // As PbxControl::Load, of a PBX whose link is synced.
  void Load(ExpectedConfiguration expected, PbxControl::LoadCallback done);

  // A row of a list; passed over if it is another's.
  void OnRow(const ami::Message& row, ami::ActionToken list);
  // Call after each read and at each tick: sends what may be sent.
  void Continue();
  // The link is gone: what runs ends with UNAVAILABLE.
  void Stop(const absl::Status& reason);

 private:
  enum class Step { kReload, kLists, kNames, kPause };
  // What runs.
  struct Loading {
    PbxControl::LoadCallback done;
    ConfiguredNames missing;  // not found yet
    ConfigurationMarks marks;
    Step step = Step::kReload;
    std::size_t module = 0;
    MonotonicTime deadline{};
    MonotonicTime next_try{};
    // Of this pass:
    std::deque<ami::ActionBuilder> lists;
    absl::flat_hash_set<std::string> shown;  // endpoints
    pbx::ShownMarks shown_marks;
    std::deque<std::string> variables;       // that show marks
    std::vector<std::string> missing_marks;  // of them
    std::deque<ConfiguredNames::Extension> hints;
    std::deque<std::string> mailboxes;
  };

  // False if it must be tried again later; `taken` gets the reply unless the load has ended.
  template <typename Taken>
  bool Send(const ami::ActionBuilder& action, ami::ActionKind kind, Taken taken);
  bool Reload();
  void OnReloaded(std::string_view module, const absl::StatusOr<ami::ActionReply>& reply);
  void BeginPass();
  bool SendList();
  void OnListed();
  bool AskForNames();
  // Asks for the first of `names`, which joins those that are missing unless the answer shows it.
  template <typename Name>
  bool AskFor(std::deque<Name>& names, ami::ActionBuilder (*ask)(const Name&),
              bool (*shows)(const Name&, const ami::Message&),
              std::vector<Name>& (*missing)(Loading&));
  // What the marks say of files that were not loaded; empty: they were.
  static std::vector<std::string> NotLoaded(const Loading& loading);
  void EndPass();
  void End(absl::Status status);

  ami::Session& session_;
  const Clock& clock_;
  std::optional<Loading> loading_;
  CountedActions actions_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_CONFIGURATION_LOADER_H_
