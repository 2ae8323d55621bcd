#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_CONFIGURATION_SURVEY_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_CONFIGURATION_SURVEY_H_

// Finds names in one Asterisk that a rendering has too and that are not from the files of an
// earlier one: PbxControl::FindConflicts for one PBX.
//
//   GetConfig of each file                   fit to be loaded?
//   -> Reload of each module                 what Asterisk knows is what its files say
//   -> GetConfig of pjsip.conf for each endpoint
//   -> PJSIPShowEndpoints                    realtime, wizard
//   -> ExtensionStateList
//   -> VM_INFO of each box
//
// Who cannot look does not know: an answer that is refused, late or passed over ends the search
// with an error. Only "No ... found" is an answer, and a Reload that is refused: what it should
// have brought is missed by the look afterwards (configuration_loader.h).
//
// The files are read for PJSIP because Asterisk, once a name is twice in them, goes on with what it
// had and says nothing. Reading costs Asterisk the whole file each time; so names that are new come
// first, and after kReadPatience the rest is left to the look afterwards (configuration_loader.h).
//
// Thread: the pipeline's.

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/ami/session.h"
#include "aggregator/base/clock.h"
#include "aggregator/model/rendered_configuration.h"
#include "aggregator/pipeline/counted_actions.h"
#include "aggregator/pipeline/pbx_control.h"

namespace unipresence {

class ConfigurationSurvey {
 public:
  static constexpr Duration kReadPatience = std::chrono::seconds(20);
  // Objects that only Asterisk's memory has may be about to go: res_pjsip reloads behind its
  // answer.
  static constexpr Duration kReloadPatience = std::chrono::seconds(3);
  // Few, for the link has other things to tell meanwhile.
  static constexpr int kMaxInFlight = 4;

  // `clock` must outlive it.
  explicit ConfigurationSurvey(const Clock& clock) : clock_(clock) {}

  // As PbxControl::FindConflicts, of a PBX whose link is synced, by a session that outlives the
  // survey.
  void Find(ami::Session& session, const ConfiguredNames& next, const FormerConfiguration& former,
            PbxControl::Look look, PbxControl::ConflictsCallback done);

  // As ConfigurationLoader's.
  void OnRow(const ami::Message& row, ami::ActionToken list);
  void Continue();
  void Stop(const absl::Status& reason);

 private:
  enum class Step { kFiles, kReload, kObjects, kEndpoints, kHints, kMailboxes, kPause };
  // A name of the rendering, in lower case, as PJSIP names are compared here.
  struct Wanted {
    std::string name;
    bool former = false;  // the earlier files have it
  };
  struct Running {
    PbxControl::ConflictsCallback done;
    ami::Session* session;
    FormerConfiguration former;
    bool reload = true;
    Step step = Step::kFiles;
    std::size_t file = 0;
    std::size_t module = 0;
    bool pjsip = true;  // can be asked: the file is fit to be loaded
    bool dialplan = true;
    bool voicemail = true;
    std::deque<std::string> objects;                  // to be read
    absl::flat_hash_map<std::string, Wanted> wanted;  // by name in lower case
    absl::flat_hash_set<std::string> hints;           // "CONTEXT/EXTEN" that must not be there
    std::deque<std::string> mailboxes;                // that must not be there
    std::vector<std::string> in_memory;               // endpoints of this list
    MonotonicTime deadline{};
    MonotonicTime next_try{};
    std::vector<std::string> conflicts;
  };

  template <typename Taken>
  bool Send(const ami::ActionBuilder& action, ami::ActionKind kind, Taken taken);
  bool SendStep();
  bool CheckFile();
  void OnFileChecked(std::string_view file, const absl::StatusOr<ami::ActionReply>& reply);
  // True if Asterisk answered, be it that it has none; else the search has ended.
  bool HasAnswered(std::string_view what, const absl::StatusOr<ami::ActionReply>& reply);
  bool Reload();
  bool ReadObject();
  bool ListEndpoints();
  bool ListHints();
  bool AskForMailbox();
  void Finish();
  void TakeObjects(const std::string& name, const ami::Message& answer);
  void OnEndpointsListed();
  void End(absl::StatusOr<std::vector<std::string>> result);

  const Clock& clock_;
  std::optional<Running> running_;
  CountedActions actions_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_CONFIGURATION_SURVEY_H_
