#ifndef UNIPRESENCE_AGGREGATOR_PBX_RESYNC_H_
#define UNIPRESENCE_AGGREGATOR_PBX_RESYNC_H_

// The sequence of AMI list actions that tells the whole state of an Asterisk, one after the other:
//
//   PJSIPShowEndpoints  every endpoint with a state, silent ones too
//   DeviceStateList     cached states, those of other technologies too
//   PJSIPShowContacts   who is registered
//   CoreShowChannels    live calls
//   Status              the same with the dialled numbers; only if directions are still open
//   Ping                a barrier: Asterisk writes the events that were queued while it listed
//                       before it answers the next action, so nothing older than the lists comes
//                       behind the answer
//
// A sans-I/O state machine: it names the action to send and is told of rows and answers. An action
// that is refused ("Permission denied", "Invalid/unknown command") is noted in errors() and the
// sequence goes on: what cannot be listed is not known. Some actions report an empty list as an
// error ("No Contacts found"); that is an empty list.
//
// Thread: the pipeline's.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/ami/action.h"
#include "aggregator/ami/message.h"
#include "aggregator/ami/session_handler.h"

namespace unipresence::pbx {

// Asks for Asterisk's version, as its answer has it: "22.1.0". Empty where the account may not ask,
// or Asterisk is too old to tell.
ami::ActionBuilder VersionAction();
std::string_view VersionIn(const ami::Message& answer);

enum class ResyncKind : std::uint8_t {
  kResync,     // the link is new: nothing is known for sure
  kReconcile,  // the link lives: a periodic check of what events told
};

// An action to send; it has no headers of its own.
struct ListAction {
  std::string_view name;  // static
  bool list = true;       // answered by rows and a closing event; else by one response
};

// A list that was refused or came in part.
struct ListError {
  std::string_view action;  // static: "CoreShowChannels"
  std::string why;          // in Asterisk's words or ours, printable: "Permission denied"

  friend bool operator==(const ListError&, const ListError&) = default;
};

class Resync {
 public:
  enum class Step : std::uint8_t {
    kIdle,
    kEndpoints,
    kDeviceStates,
    kContacts,
    kChannels,
    kDirections,
    kBarrier,
  };

  // Begins from the top. False, and nothing happens, while a sequence runs.
  bool Start(ResyncKind kind);
  // Gives the running sequence up; rows and answers that still come are ignored.
  void Abort() { step_ = Step::kIdle; }

  // The action to send now; nullopt while an answer is awaited or nothing runs. It stays the same
  // until Sent(), so that an action which could not be sent is tried again.
  std::optional<ListAction> NextAction() const;
  // NextAction() is on its way and is called `token` from now on.
  void Sent(ami::ActionToken token);

  // Whether a row of that list belongs to the step that runs; counts it if so.
  bool TakeRow(ami::ActionToken token);

  // The same of a row of the running step that came without its token: Asterisk writes a Privilege
  // into the rows of Status, as into live events.
  bool TakeRow() { return TakeRow(token_); }
  // Leaves kDirections out, if it is the next step.
  void SkipDirections();

  // A list, or the barrier, has come to its end.
  struct Done {
    Step step = Step::kIdle;
    bool complete = false;  // all that there is came: Asterisk counts as many items as rows came
  };
  // The answer to `token`; nullopt if it is not the one awaited. After the barrier the sequence is
  // over. UNAVAILABLE (the link is lost) gives the sequence up.
  std::optional<Done> OnReply(ami::ActionToken token,
                              const absl::StatusOr<ami::ActionReply>& reply);

  bool running() const { return step_ != Step::kIdle; }
  Step step() const { return step_; }
  // Of the running or the newest sequence.
  ResyncKind kind() const { return kind_; }
  std::uint64_t rows() const { return rows_; }
  // Of the running or the newest sequence, in the order of the steps; one of each at most.
  const std::vector<ListError>& errors() const { return errors_; }
  // The actions that were answered in full, and those that were not needed.
  const std::vector<std::string_view>& whole() const { return whole_; }
  const std::vector<std::string_view>& skipped() const { return skipped_; }

 private:
  void Note(std::string_view why);

  Step step_ = Step::kIdle;
  ResyncKind kind_ = ResyncKind::kResync;
  ami::ActionToken token_ = 0;  // of step_; 0 until it is sent
  std::uint64_t step_rows_ = 0;
  std::uint64_t rows_ = 0;
  std::vector<ListError> errors_;
  std::vector<std::string_view> whole_;
  std::vector<std::string_view> skipped_;
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_RESYNC_H_
