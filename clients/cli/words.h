#ifndef UNIPRESENCE_CLIENTS_CLI_WORDS_H_
#define UNIPRESENCE_CLIENTS_CLI_WORDS_H_

// The words that people and scripts read: enum values without their prefix ("AVAILABLE",
// "DESKPHONE", "LOGGED_OUT", "NOT_INUSE"), and times. Pure.

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unipresence/v1/call.pb.h"
#include "unipresence/v1/call_control.pb.h"
#include "unipresence/v1/pbx.pb.h"
#include "unipresence/v1/presence.pb.h"
#include "unipresence/v1/provisioning.pb.h"
#include "unipresence/v1/session.pb.h"
#include "unipresence/v1/user.pb.h"

namespace unipresence::cli {

// Empty for UNSPECIFIED and for values that a newer server may send: show "not known", never guess.
std::string_view Word(v1::PresenceState state);
std::string_view Word(v1::DeviceState state);
std::string_view Word(v1::LineKind kind);
std::string_view Word(v1::LineType type);
std::string_view Word(v1::Rule rule);
std::string_view Word(v1::CauseKind kind);
std::string_view Word(v1::ForwardingCondition condition);
std::string_view Word(v1::PbxLinkState state);
std::string_view Word(v1::SessionKind kind);
std::string_view Word(v1::CallDirection direction);
std::string_view Word(v1::CallState state);
std::string_view Word(v1::Role role);
std::string_view Word(v1::ApplyOutcome outcome);

// The states a presence can have, as words, in the order of the API.
std::vector<std::string> PresenceStateWords();

// Words as people type them: any case, `-` for `_`. nullopt for anything else.
std::optional<v1::PresenceState> ParsePresenceState(std::string_view word);
std::optional<v1::LineKind> ParseLineKind(std::string_view word);
std::optional<v1::LineType> ParseLineType(std::string_view word);  // also "ua"
std::optional<v1::ForwardingCondition> ParseForwardingCondition(std::string_view word);
std::optional<v1::Role> ParseRole(std::string_view word);  // also "admin"

// "30s", "5m" or "5min", "1h", "500ms", "30" (seconds), also with a fraction. nullopt for anything
// else, and for what is not between 1 ms and 24 h.
std::optional<std::chrono::milliseconds> ParseTime(std::string_view text);

// RFC 3339 in UTC with microseconds: "2026-05-01T14:03:22.123456Z".
std::string FormatTime(const google::protobuf::Timestamp& time);

// For people, in the two largest units: "3 d 4 h", "1 h 5 min", "12 s", "0.25 s".
std::string FormatDuration(const google::protobuf::Duration& duration);

double ToSeconds(const google::protobuf::Duration& duration);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_WORDS_H_
