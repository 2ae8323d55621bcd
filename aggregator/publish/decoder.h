#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_DECODER_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_DECODER_H_

// Frames of the publish socket, read by hand: a follower of everyone reads each change of a running
// server, and generated classes, which build every nested message before one asks for it, take
// three quarters of its time. Views point into the bytes that were read.
//
// What the generated parser understands is understood alike, with two exceptions that no encoder
// makes: groups are refused, and a field that stands twice counts as it stands last. Thread-safe,
// without state.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "aggregator/publish/presence_value.h"
#include "unipresence/v1/replication.pb.h"

namespace unipresence::publish {

// A v1::StreamFrame.
struct StreamFrameView {
  std::uint64_t epoch = 0;
  std::uint64_t first_sequence = 0;
  std::vector<std::string_view> updates;  // each an encoded v1::PresenceUpdate, not looked into
  std::optional<v1::Heartbeat> heartbeat;
};

// A v1::UserFrame.
struct UserFrameView {
  std::uint64_t epoch = 0;
  std::string_view update;  // as above
};

// A v1::PresenceUpdate. A kind of change that this build does not know has an empty user.
struct UpdateView {
  std::string_view user;
  std::uint64_t revision = 0;
  std::uint64_t sequence = 0;
  std::string_view presence;  // an encoded v1::Presence; empty if `removed`
  std::string_view cause;     // an encoded v1::Cause, not looked into; empty if there is none
  bool removed = false;
  bool refresh = false;
};

// Into views that may have been used before: they keep their memory. False if the bytes are no such
// message; then what the view holds means nothing.
bool ReadStreamFrame(std::string_view bytes, StreamFrameView& out);
bool ReadUserFrame(std::string_view bytes, UserFrameView& out);

// Also the presence, if the update has one, into a client's own value.
bool ReadUpdate(std::string_view bytes, UpdateView& out, PresenceValue& presence);

// Of an encoded v1::Presence, in place: strings keep their memory. What is missing or unknown takes
// the value that PresenceValue has for it; UNKNOWN for states. False if the bytes are none.
bool ReadPresence(std::string_view bytes, PresenceValue& out);

}  // namespace unipresence::publish

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_DECODER_H_
