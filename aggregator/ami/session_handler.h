#ifndef UNIPRESENCE_AGGREGATOR_AMI_SESSION_HANDLER_H_
#define UNIPRESENCE_AGGREGATOR_AMI_SESSION_HANDLER_H_

// What a consumer of one Asterisk hears, in the order in which Asterisk said it.
//
// Everything is called on the thread that drives the session (the pipeline's). Handlers may call
// Session::Send, and Stop, from within. They must not block.
//
//   OnOnline              list now: send DeviceStateList and the like
//   OnEvent*              live events and rows, interleaved as they came
//   OnReadEnd             after the last message of each read: flush what was gathered
//   OnOffline             the link is lost; callbacks of pending actions have run with UNAVAILABLE
//
// The session connects again by itself; OnOnline follows again.

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/ami/message.h"

namespace unipresence::ami {

// Names one sent action; unique in a session for its whole life, over reconnects. Never 0.
using ActionToken = std::uint64_t;
inline constexpr ActionToken kLiveEvent = 0;

// What became of an action.
struct ActionReply {
  // False for `Response: Error`: a legitimate answer, such as "No Contacts found" for an empty
  // list.
  bool success = false;
  // The `Message` header of the response; empty if it has none. Without the line feed that Asterisk
  // leaves at the end of some ("No Contacts found").
  std::string_view text;
  // The response; for a list its closing event, with ListItems. Valid during the callback.
  Message message{std::string_view()};
  // Rows of the list that were beyond the limits of a message and went to nobody.
  std::size_t skipped_rows = 0;
};

// Called exactly once per sent action, unless the session is destroyed: with the reply, or
//   DEADLINE_EXCEEDED  no answer in time, or a list without an end; Asterisk may have obeyed or not
//   UNAVAILABLE        the link was lost or the session stopped; the same uncertainty
//   ABORTED            Asterisk cancelled the list in its middle
//   DATA_LOSS          the answer was beyond the limits of a message and was passed over; Asterisk
//                      may have obeyed or not
// For a list, all its rows went to OnEvent before.
using ActionCallback = absl::AnyInvocable<void(const absl::StatusOr<ActionReply>&)>;

class SessionHandler {
 public:
  virtual ~SessionHandler() = default;

  // Logged in and Asterisk is fully booted.
  virtual void OnOnline() = 0;

  // The link was online and is lost, or was stopped.
  virtual void OnOffline(const absl::Status& reason) = 0;

  // An event: a live one (`list` is kLiveEvent), or a row of the list action that Send() named so.
  // Live events come from the login on, which is before OnOnline. `event` is valid until the call
  // returns; the string views taken out of it until OnReadEnd returns.
  virtual void OnEvent(const Message& event, ActionToken list) = 0;

  // All complete messages of one read have been handed over. Not called for reads without any.
  virtual void OnReadEnd() = 0;
};

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_SESSION_HANDLER_H_
