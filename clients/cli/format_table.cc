#include "clients/cli/format_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "clients/cli/words.h"

namespace unipresence::cli {
namespace {

Colour ColourOf(v1::PresenceState state) {
  switch (static_cast<int>(state)) {
    case v1::PRESENCE_STATE_AVAILABLE:
      return Colour::kGreen;
    case v1::PRESENCE_STATE_IN_USE:
    case v1::PRESENCE_STATE_BUSY:
    case v1::PRESENCE_STATE_RINGING_IN_USE:
    case v1::PRESENCE_STATE_ON_HOLD:
      return Colour::kRed;
    case v1::PRESENCE_STATE_RINGING:
      return Colour::kYellow;
    default:
      return Colour::kDim;
  }
}

Cell StateCell(v1::PresenceState state) { return {Word(state), ColourOf(state)}; }

std::string_view YesNo(bool value) { return value ? "yes" : "no"; }

// Live lines are of today: without date and zone there is more room.
std::string OfToday(const std::string& time) {
  const std::size_t date = time.find('T');
  return date == std::string::npos ? time : time.substr(date + 1, time.size() - date - 2);
}

// What stands beside the state, in few words.
std::string Notes(const v1::Presence& presence) {
  std::vector<std::string> notes;
  if (presence.stale()) notes.emplace_back("stale");
  if (presence.do_not_disturb()) notes.emplace_back("do-not-disturb");
  for (const int condition : presence.active_forwardings()) {
    const std::string_view word = Word(static_cast<v1::ForwardingCondition>(condition));
    if (!word.empty()) notes.push_back(fmt::format("forwarding:{}", word));
  }
  for (const v1::LinePresence& line : presence.lines()) {
    if (line.holding()) notes.push_back(fmt::format("{} holds", Word(line.kind())));
    if (line.held()) notes.push_back(fmt::format("{} held", Word(line.kind())));
  }
  return fmt::format("{}", fmt::join(notes, ", "));
}

// "DESKPHONE=INUSE WEBRTC=NOT_INUSE".
std::string LineStates(const v1::Presence& presence) {
  std::vector<std::string> lines;
  for (const v1::LinePresence& line : presence.lines()) {
    const std::string_view kind = Word(line.kind());
    lines.push_back(fmt::format("{}={}", kind.empty() ? std::string_view(line.device()) : kind,
                                Shown(Word(line.state()))));
  }
  return fmt::format("{}", fmt::join(lines, " "));
}

// Names and values below each other: "  logged in   yes".
class Pairs {
 public:
  explicit Pairs(Output& output, std::string_view indent = "") : output_(output), indent_(indent) {}
  ~Pairs() {
    std::size_t width = 0;
    for (const auto& [name, value] : pairs_) width = std::max(width, DisplayWidth(name));
    for (const auto& [name, value] : pairs_) {
      output_.Line(fmt::format("{}{:<{}}  {}", indent_, name, width, value));
    }
  }
  Pairs(const Pairs&) = delete;
  Pairs& operator=(const Pairs&) = delete;

  void Add(std::string name, std::string_view value) {
    pairs_.emplace_back(std::move(name), Shown(value));
  }
  void AddUnlessEmpty(std::string name, std::string_view value) {
    if (!value.empty()) Add(std::move(name), value);
  }

 private:
  Output& output_;
  const std::string indent_;
  std::vector<std::pair<std::string, std::string>> pairs_;
};

std::string TimeIf(bool has, const google::protobuf::Timestamp& time) {
  return has ? FormatTime(time) : std::string();
}

void WriteInputs(const v1::ExplainPresenceResponse& explanation, Output& output) {
  const v1::PresenceInputs& inputs = explanation.inputs();
  output.Line("");
  output.Line("Inputs");
  Pairs pairs(output, "  ");
  pairs.Add("line type", Word(inputs.line_type()));
  pairs.Add("logged in",
            fmt::format("{} (sessions: {} assistant, {} client)", YesNo(inputs.logged_in()),
                        explanation.assistant_session_count(), explanation.client_session_count()));
  pairs.Add("selected device", Word(inputs.selected_device()));
  if (inputs.deskphone_state() != v1::DEVICE_STATE_UNSPECIFIED) {
    pairs.Add("deskphone (D)", fmt::format("{}{}", Word(inputs.deskphone_state()),
                                           inputs.emitting() ? ", in a call that it made" : ""));
  }
  if (inputs.webrtc_state() != v1::DEVICE_STATE_UNSPECIFIED) {
    pairs.Add("WebRTC line (W)",
              fmt::format("{}, {}, {}", Word(inputs.webrtc_state()),
                          inputs.webrtc_reachable() ? "reachable" : "unreachable",
                          inputs.webrtc_active() ? "active" : "not active"));
  }
}

void WriteLines(const v1::ExplainPresenceResponse& explanation, Output& output) {
  output.Line("");
  output.Line("Lines");
  Table table(output, {"  KIND", "DEVICE", "PBX", "LINK", "STATE", "ASTERISK SAYS", "CALLS"});
  for (const v1::LineExplanation& line : explanation.lines()) {
    std::vector<std::string_view> calls;
    if (line.in_call()) calls.emplace_back("in a call");
    if (line.emitting()) calls.emplace_back("made by itself");
    if (line.line().holding()) calls.emplace_back("holding");
    if (line.line().held()) calls.emplace_back("held");
    const bool ready = line.link_state() == v1::PBX_LINK_STATE_READY;
    table.Row({fmt::format("  {}", Shown(Word(line.line().kind()))), line.line().device(),
               line.line().pbx(),
               Cell(Word(line.link_state()), ready ? Colour::kNone : Colour::kRed),
               Word(line.line().state()), Word(line.reported_state()),
               fmt::format("{}", fmt::join(calls, ", "))});
  }
}

void WriteCauses(const v1::ExplainPresenceResponse& explanation, Output& output) {
  output.Line("");
  output.Line(explanation.causes().empty() ? "No causes are remembered."
                                           : "What led here, newest first");
  if (explanation.causes().empty()) return;
  Table table(output, {"  TIME", "STATE AFTER", "RULE AFTER", "REVISION", "CAUSE"});
  for (const v1::PastCause& past : explanation.causes()) {
    table.Row({fmt::format("  {}", Shown(TimeIf(past.cause().has_time(), past.cause().time()))),
               StateCell(past.state()), Word(past.rule()), std::to_string(past.revision()),
               CauseText(past.cause())});
  }
}

}  // namespace

std::vector<std::string> PresenceHeader() {
  return {"USER", "STATE", "DEVICE IN USE", "SELECTED", "LOGGED IN", "RULE", "LINES", "NOTES"};
}

std::vector<Cell> PresenceRow(const v1::Presence& presence) {
  return {presence.user(), StateCell(presence.state()), Word(presence.device_in_use()),
          // One line leaves no choice.
          presence.rule() == v1::RULE_SINGLE_LINE ? "" : Word(presence.selected_device()),
          YesNo(presence.logged_in()), Word(presence.rule()), LineStates(presence),
          Notes(presence)};
}

std::vector<std::string> UpdateHeader() {
  return {"TIME (UTC)", "USER", "STATE", "BEFORE", "RINGS ON", "RULE", "CAUSE", "NOTES"};
}

std::vector<std::size_t> UpdateWidths() { return {15, 12, 15, 15, 9, 22, 46, 0}; }

std::vector<Cell> UpdateRow(const v1::PresenceUpdate& update) {
  const v1::Presence& presence = update.presence();
  const google::protobuf::Timestamp& presence_time = presence.update_time();
  std::string time = TimeIf(update.cause().has_time(), update.cause().time());
  if (time.empty()) time = TimeIf(presence.has_update_time(), presence_time);
  time = OfToday(time);
  // A refresh is no change, so it has nothing that it differs from.
  const std::string_view before = update.refresh() ? "" : Word(update.previous_state());
  std::string cause = update.refresh() ? "" : CauseText(update.cause());
  if (update.merged_changes() > 1) {
    cause += fmt::format(" ({} changes merged)", update.merged_changes());
  }
  if (update.has_removed()) {
    return {time, update.removed().user(), Cell("(removed)", Colour::kDim), before, "", "", cause};
  }
  return {time,
          presence.user(),
          StateCell(presence.state()),
          before,
          Word(presence.device_in_use()),
          Word(presence.rule()),
          cause,
          Notes(presence)};
}

std::vector<Cell> MailboxRow(const v1::Mailbox& mailbox) {
  const std::string time = OfToday(TimeIf(mailbox.has_update_time(), mailbox.update_time()));
  return {time,
          mailbox.user(),
          Cell("(voicemail)", mailbox.new_message_count() > 0 ? Colour::kYellow : Colour::kDim),
          "",
          "",
          "",
          MailboxText(mailbox),
          mailbox.stale() ? "stale" : ""};
}

std::string MailboxText(const v1::Mailbox& mailbox) {
  if (mailbox.mailbox().empty()) return "no box any more";
  return fmt::format("{} new, {} old in {} on {}", mailbox.new_message_count(),
                     mailbox.old_message_count(), Shown(mailbox.mailbox()), Shown(mailbox.pbx()));
}

std::string CauseText(const v1::Cause& cause) {
  std::string text(Word(cause.kind()));
  if (!cause.device().empty()) text += " " + cause.device();
  if (!cause.pbx().empty()) text += " on " + cause.pbx();
  const std::string_view state = Word(cause.device_state());
  if (!cause.device().empty() && !state.empty()) text += fmt::format(": {}", state);
  return text;
}

void WriteExplanation(const v1::ExplainPresenceResponse& explanation, Output& output) {
  const v1::Presence& presence = explanation.presence();
  const std::string_view device = Word(presence.device_in_use());
  output.Line(fmt::format(
      "{} is {} (hint {}); calls ring on {}.", Shown(presence.user()),
      Painted(Shown(Word(presence.state())), ColourOf(presence.state()), output.colours()),
      presence.hint(), device.empty() ? "no device" : device));
  if (presence.stale()) {
    output.Line(
        Painted("STALE: the link to a PBX of this user is down; these are the last known "
                "values.",
                Colour::kRed, output.colours()));
  }
  const std::string notes = Notes(presence);
  if (!notes.empty()) output.Line(fmt::format("Beside it: {}.", notes));
  output.Line("");
  output.Line(
      fmt::format("Rule {}: {}", Shown(Word(presence.rule())), Shown(explanation.sentence())));
  WriteInputs(explanation, output);
  WriteLines(explanation, output);
  WriteCauses(explanation, output);
}

std::string PartyText(const v1::CallParty& party) {
  if (party.name().empty()) return party.number();
  return party.number().empty() ? party.name()
                                : fmt::format("{} ({})", party.name(), party.number());
}

std::vector<std::string> CallHeader() {
  return {"CALL", "STATE", "DIRECTION", "OTHER PARTY", "KIND", "SINCE", "ANSWERED", "NOTES"};
}

std::vector<Cell> CallRow(const v1::Call& call) {
  std::vector<std::string> notes;
  if (call.holding()) notes.emplace_back("holding");
  if (call.held()) notes.emplace_back("held");
  if (!call.transfer_call().empty()) notes.push_back("transfer with " + call.transfer_call());
  return {call.id(),
          Word(call.state()),
          Word(call.direction()),
          PartyText(call.other_party()),
          Word(call.kind()),
          OfToday(TimeIf(call.has_start_time(), call.start_time())),
          OfToday(TimeIf(call.has_answer_time(), call.answer_time())),
          fmt::format("{}", fmt::join(notes, ", "))};
}

std::vector<std::string> SessionHeader() {
  return {"SESSION", "USER", "KIND", "ROLE", "CREATED", "EXPIRES", "CLIENT", "FROM"};
}

std::vector<Cell> SessionRow(const v1::Session& session) {
  return {session.id(),
          session.user(),
          Word(session.kind()),
          Word(session.role()),
          TimeIf(session.has_create_time(), session.create_time()),
          TimeIf(session.has_expire_time(), session.expire_time()),
          session.client_name(),
          session.peer()};
}

void WriteSession(const v1::Session& session, std::string_view server, Output& output) {
  Pairs pairs(output);
  pairs.Add("user", session.user());
  pairs.Add("role", Word(session.role()));
  pairs.Add("kind", Word(session.kind()));
  pairs.Add("session", session.id());
  pairs.Add("server", server);
  pairs.Add("created", TimeIf(session.has_create_time(), session.create_time()));
  pairs.Add("expires", fmt::format("{}, or {} after its last use",
                                   Shown(TimeIf(session.has_expire_time(), session.expire_time())),
                                   FormatDuration(session.time_to_live())));
  pairs.AddUnlessEmpty("client", session.client_name());
  pairs.AddUnlessEmpty("from", session.peer());
}

std::vector<std::string> UserHeader() {
  return {"ID", "NAME", "NUMBER", "CONTEXT", "LINE TYPE", "USERNAME", "ROLE", "DEVICES"};
}

std::vector<Cell> UserRow(const v1::User& user) {
  std::vector<std::string> devices;
  for (const v1::Line& line : user.lines()) devices.push_back(line.device());
  return {user.id(),
          user.display_name(),
          user.exten(),
          user.context(),
          Word(user.line_type()),
          user.username(),
          Word(user.role()),
          fmt::format("{}", fmt::join(devices, " "))};
}

void WriteUser(const v1::User& user, Output& output) {
  Pairs pairs(output);
  pairs.Add("id", user.id());
  pairs.Add("display name", user.display_name());
  pairs.Add("number", fmt::format("{} in context {}", Shown(user.exten()), Shown(user.context())));
  pairs.Add("line type", Word(user.line_type()));
  for (const v1::Line& line : user.lines()) {
    pairs.Add(fmt::format("line {}", Shown(Word(line.kind()))),
              fmt::format("{} on {}", Shown(line.device()), Shown(line.pbx())));
  }
  if (user.has_ring_seconds()) pairs.Add("rings", fmt::format("{} s", user.ring_seconds()));
  if (user.has_voicemail()) {
    const v1::Voicemail& box = user.voicemail();
    pairs.Add("voicemail", fmt::format("{}@{}{}{}", Shown(box.number()), Shown(box.context()),
                                       box.email().empty() ? "" : ", mailed to ",
                                       box.email().empty() ? "" : Shown(box.email())));
  }
  pairs.AddUnlessEmpty("username", user.username());
  pairs.AddUnlessEmpty("role", Word(user.role()));
  if (user.has_enabled()) pairs.Add("enabled", YesNo(user.enabled()));
  pairs.AddUnlessEmpty("email", user.email());
  pairs.AddUnlessEmpty("created", TimeIf(user.has_create_time(), user.create_time()));
  pairs.AddUnlessEmpty("changed", TimeIf(user.has_update_time(), user.update_time()));
}

std::vector<std::string> PbxHeader() {
  return {"PBX",   "LINK",  "SINCE",   "ADDRESS", "ASTERISK",
          "USERS", "STALE", "RESYNCS", "LOST",    "LAST ERROR"};
}

std::vector<Cell> PbxRow(const v1::Pbx& pbx) {
  const bool ready = pbx.link_state() == v1::PBX_LINK_STATE_READY;
  std::string error = pbx.last_error();
  if (!error.empty() && pbx.has_last_error_time()) {
    error = fmt::format("{} ({})", error, FormatTime(pbx.last_error_time()));
  }
  return {pbx.name(),
          Cell(Word(pbx.link_state()), ready ? Colour::kGreen : Colour::kRed),
          TimeIf(pbx.has_link_state_time(), pbx.link_state_time()),
          pbx.address(),
          pbx.asterisk_version(),
          std::to_string(pbx.user_count()),
          std::to_string(pbx.stale_user_count()),
          std::to_string(pbx.resync_count()),
          std::to_string(pbx.disconnect_count()),
          error};
}

void WriteReconcile(std::string_view pbx, const v1::ReconcilePbxResponse& outcome, Output& output) {
  Pairs pairs(output);
  pairs.Add("PBX", pbx);
  pairs.Add("presences corrected", std::to_string(outcome.correction_count()));
  pairs.Add("values written again", std::to_string(outcome.rewrite_count()));
  pairs.Add("took", FormatDuration(outcome.duration()));
  if (outcome.corrected_users().empty()) return;
  pairs.Add("users corrected", fmt::format("{}", fmt::join(outcome.corrected_users(), " ")));
}

void WriteServerStatus(const v1::ServerStatus& status, std::string_view server, Output& output) {
  Pairs pairs(output);
  pairs.Add("server", server);
  pairs.Add("version", status.version());
  pairs.Add("ready", YesNo(status.ready()));
  pairs.Add("store writable", YesNo(status.store_writable()));
  pairs.Add("PBXs ready", fmt::format("{} of {}", status.ready_pbx_count(), status.pbx_count()));
  pairs.Add("users", fmt::format("{}, {} logged in, {} stale", status.user_count(),
                                 status.logged_in_user_count(), status.stale_user_count()));
  pairs.Add("sessions", std::to_string(status.session_count()));
  pairs.Add("watch streams", std::to_string(status.watch_stream_count()));
  pairs.Add("ZeroMQ topics", std::to_string(status.zeromq_topic_count()));
  pairs.Add("started",
            fmt::format("{} ({} ago)", Shown(TimeIf(status.has_start_time(), status.start_time())),
                        FormatDuration(status.uptime())));
  pairs.Add("epoch", std::to_string(status.epoch()));
  pairs.Add("sequence", std::to_string(status.sequence()));
}

}  // namespace unipresence::cli
