#include "clients/cli/format_presence.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "clients/cli/words.h"

namespace unipresence::cli {
namespace {

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

std::string TimeOf(const v1::PresenceUpdate& update, const TimeView& view) {
  if (update.cause().has_time()) return TimeOrDay(update.cause().time(), view);
  if (!update.presence().has_update_time()) return {};
  return TimeOrDay(update.presence().update_time(), view);
}

std::string CauseOf(const v1::PresenceUpdate& update) {
  // A refresh is no change, so nothing made it.
  if (update.refresh()) return {};
  if (update.merged_changes() < 2) return CauseText(update.cause());
  return fmt::format("{} changes, last: {}", update.merged_changes(), CauseText(update.cause()));
}

}  // namespace

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

std::string NotesText(const v1::Presence& presence) {
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

std::vector<Column> PresenceColumns() {
  constexpr std::size_t kState = 3;
  return {
      {"USER", 0, 8},   {"NAME", 2, 20}, {"NUMBER", 3}, {"STATE"},    {"RINGS ON", 4},
      {"LOGGED IN", 5}, {"SELECTED", 6}, {"RULE", 7},   {"LINES", 8}, {"NOTES", 1, 16, 0, kState}};
}

std::vector<Cell> PresenceRow(const v1::Presence& presence, const Person& person) {
  return {presence.user(), person.name, person.number, StateCell(presence.state()),
          Word(presence.device_in_use()), presence.logged_in() ? "yes" : "no",
          // One line leaves no choice.
          presence.rule() == v1::RULE_SINGLE_LINE ? "" : Word(presence.selected_device()),
          Word(presence.rule()), LineStates(presence), NotesText(presence)};
}

std::vector<Column> UpdateColumns(const TimeView& view) {
  constexpr std::size_t kState = 4;
  return {{TimeColumn("TIME", view)},
          {"USER", 0, 8},
          {"NAME", 2, 10},
          {"NUMBER", 6},
          {"STATE", 0, kWhole, 14},
          {"BEFORE", 5, kWhole, 14},
          {"RINGS ON", 4, kWhole, 9},
          {"RULE", 7, kWhole, 22},
          {"CAUSE", 3, 16, 46},
          {"NOTES", 1, 8, 14, kState}};
}

std::span<const std::size_t> UpdateValueColumns() {
  static constexpr std::array<std::size_t, 6> kValue = {2, 3, 4, 6, 7, 9};
  return kValue;
}

std::vector<Cell> UpdateRow(const v1::PresenceUpdate& update, const Person& person,
                            const TimeView& view) {
  const v1::Presence& presence = update.presence();
  const std::string time = TimeOf(update, view);
  const std::string_view before = update.refresh() ? "" : Word(update.previous_state());
  if (update.has_removed()) {
    // Revision 0 is the answer to an id that never was.
    const char* const what = update.removed().revision() == 0 ? "(no such user)" : "(removed)";
    return {time,
            update.removed().user(),
            person.name,
            person.number,
            Cell(what, Colour::kDim),
            before,
            "",
            "",
            CauseOf(update)};
  }
  return {time,
          presence.user(),
          person.name,
          person.number,
          StateCell(presence.state()),
          before,
          Word(presence.device_in_use()),
          Word(presence.rule()),
          CauseOf(update),
          NotesText(presence)};
}

std::vector<Cell> MailboxRow(const v1::Mailbox& mailbox, const Person& person,
                             const TimeView& view) {
  return {mailbox.has_update_time() ? TimeOrDay(mailbox.update_time(), view) : std::string(),
          mailbox.user(),
          person.name,
          person.number,
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
  const std::string_view state = cause.device().empty() ? "" : Word(cause.device_state());
  const std::string pbx = cause.pbx().empty() ? "" : " on " + cause.pbx();
  // The most frequent one, and long: device and state tell it, so they are not cut off first.
  if (cause.kind() == v1::CAUSE_KIND_DEVICE_STATE_CHANGE && !state.empty()) {
    return fmt::format("{} {}, {}{}", cause.device(), state, Word(cause.kind()), pbx);
  }
  std::string text(Word(cause.kind()));
  if (!cause.device().empty()) text += " " + cause.device();
  text += pbx;
  if (!state.empty()) text += fmt::format(": {}", state);
  return text;
}

}  // namespace unipresence::cli
