#include "clients/cli/format_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>

#include "clients/cli/pairs.h"
#include "clients/cli/words.h"

namespace unipresence::cli {
namespace {

std::string_view YesNo(bool value) { return value ? "yes" : "no"; }

std::string TimeIf(bool has, const google::protobuf::Timestamp& time, const TimeView& view) {
  return has ? ShortTime(time, view) : std::string();
}

}  // namespace

std::string PartyText(const v1::CallParty& party) {
  if (party.name().empty()) return party.number();
  return party.number().empty() ? party.name()
                                : fmt::format("{} ({})", party.name(), party.number());
}

std::vector<Column> CallColumns(const TimeView& view) {
  constexpr std::size_t kState = 1;
  return {{"CALL"},         {"STATE"},
          {"DIRECTION", 3}, {"OTHER PARTY", 0, 20},
          {"DEVICE", 4},    {TimeColumn("SINCE", view), 2},
          {"ANSWERED", 5},  {"NOTES", 1, 8, 0, kState}};
}

std::vector<Cell> CallRow(const v1::Call& call, const TimeView& view) {
  std::vector<std::string> notes;
  if (call.holding()) notes.emplace_back("holding");
  if (call.held()) notes.emplace_back("held");
  if (!call.transfer_call().empty()) notes.push_back("transfer with " + call.transfer_call());
  return {call.id(),
          Word(call.state()),
          Word(call.direction()),
          PartyText(call.other_party()),
          Word(call.kind()),
          call.has_start_time() ? TimeWithSeconds(call.start_time(), view) : "",
          call.has_answer_time() ? TimeWithSeconds(call.answer_time(), view) : "",
          fmt::format("{}", fmt::join(notes, ", "))};
}

std::vector<Column> SessionColumns(const TimeView& view) {
  return {
      {"SESSION"},    {"USER", 0, 8},    {"KIND", 1}, {"ROLE", 4}, {TimeColumn("CREATED", view), 2},
      {"EXPIRES", 3}, {"CLIENT", 6, 12}, {"FROM", 5}};
}

std::vector<Cell> SessionRow(const v1::Session& session, const TimeView& view) {
  return {session.id(),
          session.user(),
          Word(session.kind()),
          Word(session.role()),
          TimeIf(session.has_create_time(), session.create_time(), view),
          TimeIf(session.has_expire_time(), session.expire_time(), view),
          session.client_name(),
          session.peer()};
}

void WriteSession(const v1::Session& session, std::string_view server, const TimeView& view,
                  Output& output) {
  Pairs pairs(output);
  pairs.Add("user", session.user());
  pairs.Add("role", Word(session.role()));
  pairs.Add("kind", Word(session.kind()));
  pairs.Add("session", session.id());
  pairs.Add("server", server);
  pairs.Add("created", TimeAlone(session.has_create_time(), session.create_time(), view));
  pairs.Add("expires",
            fmt::format("{}, or {} after its last use",
                        Shown(TimeAlone(session.has_expire_time(), session.expire_time(), view)),
                        FormatDuration(session.time_to_live())));
  pairs.AddUnlessEmpty("client", session.client_name());
  pairs.AddUnlessEmpty("from", session.peer());
}

std::vector<Column> UserColumns() {
  return {{"USER", 0, 8},   {"NAME", 0, 10},    {"NUMBER", 1}, {"CONTEXT", 4, 8},
          {"LINE TYPE", 2}, {"USERNAME", 5, 8}, {"ROLE", 3},   {"DEVICES", 6, 12}};
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

void WriteUser(const v1::User& user, const TimeView& view, Output& output) {
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
  pairs.AddUnlessEmpty("created", TimeAlone(user.has_create_time(), user.create_time(), view));
  pairs.AddUnlessEmpty("changed", TimeAlone(user.has_update_time(), user.update_time(), view));
}

std::vector<Column> PbxColumns(const TimeView& view) {
  return {{"PBX", 0, 8},      {"LINK"},        {TimeColumn("SINCE", view), 2},
          {"ADDRESS", 3, 14}, {"ASTERISK", 4}, {"USERS", 1},
          {"STALE", 1},       {"MESSAGES", 7}, {"RESYNCS", 6},
          {"LOST", 5}};
}

std::vector<Cell> PbxRow(const v1::Pbx& pbx, const TimeView& view) {
  const bool ready = pbx.link_state() == v1::PBX_LINK_STATE_READY;
  return {pbx.name(),
          Cell(Word(pbx.link_state()), ready ? Colour::kGreen : Colour::kRed),
          TimeIf(pbx.has_link_state_time(), pbx.link_state_time(), view),
          pbx.address(),
          pbx.asterisk_version(),
          std::to_string(pbx.user_count()),
          std::to_string(pbx.stale_user_count()),
          std::to_string(pbx.message_count()),
          std::to_string(pbx.resync_count()),
          std::to_string(pbx.disconnect_count())};
}

std::vector<std::string> PbxRemarks(const v1::Pbx& pbx, const TimeView& view) {
  std::vector<std::string> remarks;
  const std::string name = Shown(pbx.name());
  if (!pbx.last_error().empty()) {
    const std::string time = TimeAlone(pbx.has_last_error_time(), pbx.last_error_time(), view);
    remarks.push_back(fmt::format("{}: last error{}{}: {}", name, time.empty() ? "" : ", ", time,
                                  Shown(pbx.last_error())));
  }
  if (pbx.has_write_unanswered_time()) {
    remarks.push_back(fmt::format(
        "{}: Asterisk has not answered what it was told since {}; nobody knows whether it has it",
        name, TimeAlone(true, pbx.write_unanswered_time(), view)));
  }
  for (const std::string& error : pbx.list_errors()) {
    remarks.push_back(fmt::format("{}: not told by its lists: {}", name, Shown(error)));
  }
  if (pbx.skipped_message_count() > 0) {
    remarks.push_back(fmt::format("{}: {} messages were too long and were passed over", name,
                                  pbx.skipped_message_count()));
  }
  const auto listed = static_cast<std::uint64_t>(pbx.unlisted_devices_size());
  const std::uint64_t unlisted = std::max(pbx.unlisted_device_count(), listed);
  if (unlisted > 0) {
    std::string devices;
    for (const std::string& device : pbx.unlisted_devices()) {
      devices += (devices.empty() ? "" : ", ") + Shown(device);
    }
    remarks.push_back(
        fmt::format("{}: it knows no such device{}: {}{}; look for misspelt names", name,
                    unlisted == 1 ? "" : "s", devices,
                    unlisted > listed ? fmt::format(" and {} more", unlisted - listed) : ""));
  }
  return remarks;
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

void WriteServerStatus(const v1::ServerStatus& status, std::string_view server,
                       const TimeView& view, Output& output) {
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
            fmt::format("{} ({} ago)",
                        Shown(TimeAlone(status.has_start_time(), status.start_time(), view)),
                        FormatDuration(status.uptime())));
  pairs.Add("epoch", std::to_string(status.epoch()));
  pairs.Add("sequence", std::to_string(status.sequence()));
}

}  // namespace unipresence::cli
