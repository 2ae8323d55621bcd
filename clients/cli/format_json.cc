#include "clients/cli/format_json.h"

#include <nlohmann/json.hpp>

#include "clients/cli/words.h"

namespace unipresence::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& object) {
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

template <typename Enum>
Json WordOrNull(Enum value) {
  const std::string_view word = Word(value);
  return word.empty() ? Json() : Json(word);
}

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

template <typename Message>
Json TimeOrNull(const Message& message, bool has,
                const google::protobuf::Timestamp& (Message::*time)() const) {
  return has ? Json(FormatTime((message.*time)())) : Json();
}

Json LineObject(const v1::LinePresence& line) {
  return {{"kind", WordOrNull(line.kind())},
          {"device", line.device()},
          {"state", WordOrNull(line.state())},
          {"holding", line.holding()},
          {"held", line.held()},
          {"pbx", line.pbx()}};
}

// Appends the fields of a presence to `object`.
void AddPresence(const v1::Presence& presence, Json& object) {
  object["user"] = presence.user();
  object["state"] = WordOrNull(presence.state());
  object["hint"] = presence.hint();
  object["device_in_use"] = WordOrNull(presence.device_in_use());
  object["selected_device"] = WordOrNull(presence.selected_device());
  object["logged_in"] = presence.logged_in();
  object["rule"] = WordOrNull(presence.rule());
  object["stale"] = presence.stale();
  object["do_not_disturb"] = presence.do_not_disturb();
  object["emitting"] = presence.emitting();
  object["lines"] = Json::array();
  for (const v1::LinePresence& line : presence.lines()) object["lines"].push_back(LineObject(line));
  object["active_forwardings"] = Json::array();
  for (const int condition : presence.active_forwardings()) {
    object["active_forwardings"].push_back(
        WordOrNull(static_cast<v1::ForwardingCondition>(condition)));
  }
  object["revision"] = presence.revision();
  object["update_time"] =
      TimeOrNull(presence, presence.has_update_time(), &v1::Presence::update_time);
}

// Without the password, which the server does not tell.
Json VoicemailObject(const v1::Voicemail& box) {
  return {{"number", box.number()},
          {"context", box.context()},
          {"name", TextOrNull(box.name())},
          {"email", TextOrNull(box.email())}};
}

Json CauseObject(const v1::Cause& cause) {
  const bool has_device = !cause.device().empty();
  return {{"kind", WordOrNull(cause.kind())},
          {"pbx", TextOrNull(cause.pbx())},
          {"device", TextOrNull(cause.device())},
          {"device_state", has_device ? WordOrNull(cause.device_state()) : Json()},
          {"time", TimeOrNull(cause, cause.has_time(), &v1::Cause::time)}};
}

// When it happened: the cause's time, else that of the presence.
Json TimeOf(const v1::PresenceUpdate& update) {
  if (update.cause().has_time()) return FormatTime(update.cause().time());
  const v1::Presence& presence = update.presence();
  return TimeOrNull(presence, presence.has_update_time(), &v1::Presence::update_time);
}

Json Texts(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  Json array = Json::array();
  for (const std::string& text : texts) array.push_back(text);
  return array;
}

Json InputsObject(const v1::PresenceInputs& inputs) {
  return {{"line_type", WordOrNull(inputs.line_type())},
          {"deskphone_state", WordOrNull(inputs.deskphone_state())},
          {"webrtc_state", WordOrNull(inputs.webrtc_state())},
          {"logged_in", inputs.logged_in()},
          {"selected_device", WordOrNull(inputs.selected_device())},
          {"emitting", inputs.emitting()},
          {"webrtc_reachable", inputs.webrtc_reachable()},
          {"webrtc_active", inputs.webrtc_active()}};
}

Json UserLineObject(const v1::Line& line) {
  return {{"kind", WordOrNull(line.kind())},
          {"pbx", line.pbx()},
          {"device", line.device()},
          {"sip_username", TextOrNull(line.sip_username())}};
}

Json CallObject(const v1::Call& call) {
  const v1::CallParty& party = call.other_party();
  return {{"id", call.id()},
          {"user", call.user()},
          {"kind", WordOrNull(call.kind())},
          {"device", call.device()},
          {"pbx", call.pbx()},
          {"direction", WordOrNull(call.direction())},
          {"other_party",
           {{"number", TextOrNull(party.number())},
            {"name", TextOrNull(party.name())},
            {"user", TextOrNull(party.user())}}},
          {"state", WordOrNull(call.state())},
          {"holding", call.holding()},
          {"held", call.held()},
          {"start_time", TimeOrNull(call, call.has_start_time(), &v1::Call::start_time)},
          {"answer_time", TimeOrNull(call, call.has_answer_time(), &v1::Call::answer_time)},
          {"transfer_call", TextOrNull(call.transfer_call())},
          {"linked_id", TextOrNull(call.linked_id())}};
}

// Appends the fields of a session to `object`.
void AddSession(const v1::Session& session, Json& object) {
  object["session"] = session.id();
  object["user"] = session.user();
  object["kind"] = WordOrNull(session.kind());
  object["role"] = WordOrNull(session.role());
  object["time_to_live_s"] = ToSeconds(session.time_to_live());
  object["expire_time"] = TimeOrNull(session, session.has_expire_time(), &v1::Session::expire_time);
  object["create_time"] = TimeOrNull(session, session.has_create_time(), &v1::Session::create_time);
  object["client_name"] = TextOrNull(session.client_name());
  object["peer"] = TextOrNull(session.peer());
}

}  // namespace

std::string PresenceJson(const v1::Presence& presence) {
  Json object;
  AddPresence(presence, object);
  return Dump(object);
}

std::string UpdateJson(const v1::PresenceUpdate& update) {
  const bool removed = update.has_removed();
  Json object = {{"event", removed ? "REMOVED" : "UPDATE"},
                 {"time", TimeOf(update)},
                 {"sequence", update.sequence() == 0 ? Json() : Json(update.sequence())},
                 {"refresh", update.refresh()},
                 {"merged_changes", update.merged_changes()}};
  if (removed) {
    object["user"] = update.removed().user();
    object["revision"] = update.removed().revision();
  }
  object["previous_state"] = WordOrNull(update.previous_state());
  if (!removed) AddPresence(update.presence(), object);
  object["cause"] = update.has_cause() ? CauseObject(update.cause()) : Json();
  return Dump(object);
}

std::string MarkerJson(std::string_view event, std::string_view message) {
  Json object = {{"event", event}};
  if (!message.empty()) object["message"] = message;
  return Dump(object);
}

std::string ExplanationJson(const v1::ExplainPresenceResponse& explanation) {
  Json object;
  AddPresence(explanation.presence(), object);
  object["sentence"] = explanation.sentence();
  object["inputs"] = InputsObject(explanation.inputs());
  object["assistant_session_count"] = explanation.assistant_session_count();
  object["client_session_count"] = explanation.client_session_count();
  // In place of the short form of the lines.
  object["lines"] = Json::array();
  for (const v1::LineExplanation& line : explanation.lines()) {
    Json entry = LineObject(line.line());
    entry["reported_state"] = WordOrNull(line.reported_state());
    entry["emitting"] = line.emitting();
    entry["in_call"] = line.in_call();
    entry["link_state"] = WordOrNull(line.link_state());
    entry["not_listed"] = line.not_listed();
    entry["direction_unknown"] = line.direction_unknown();
    object["lines"].push_back(std::move(entry));
  }
  object["causes"] = Json::array();
  for (const v1::PastCause& past : explanation.causes()) {
    object["causes"].push_back({{"cause", CauseObject(past.cause())},
                                {"state", WordOrNull(past.state())},
                                {"rule", WordOrNull(past.rule())},
                                {"revision", past.revision()}});
  }
  return Dump(object);
}

std::string SessionJson(const v1::Session& session) {
  Json object = Json::object();
  AddSession(session, object);
  return Dump(object);
}

std::string SessionEventJson(std::string_view event, const v1::Session& session,
                             std::string_view server) {
  Json object = {{"event", event}, {"server", server}};
  AddSession(session, object);
  return Dump(object);
}
std::string SelectionJson(const v1::DeviceSelection& selection) {
  return Dump({{"user", selection.user()},
               {"selected_device", WordOrNull(selection.selected_device())},
               {"device_in_use", WordOrNull(selection.device_in_use())},
               {"update_time", TimeOrNull(selection, selection.has_update_time(),
                                          &v1::DeviceSelection::update_time)}});
}

std::string DoNotDisturbJson(const v1::Forwarding& forwarding) {
  return Dump({{"user", forwarding.user()},
               {"do_not_disturb", forwarding.do_not_disturb()},
               {"update_time", TimeOrNull(forwarding, forwarding.has_update_time(),
                                          &v1::Forwarding::update_time)}});
}

std::string CallJson(const v1::Call& call) { return Dump(CallObject(call)); }

std::string CallListJson(const v1::WatchCallsResponse& list) {
  Json object = {{"event", "CALLS"}, {"calls", Json::array()}, {"stale", list.stale()}};
  for (const v1::Call& call : list.calls()) object["calls"].push_back(CallObject(call));
  return Dump(object);
}

std::string ConsultationJson(const v1::StartAttendedTransferResponse& transfer) {
  return Dump({{"call", CallObject(transfer.call())},
               {"consultation", CallObject(transfer.consultation())}});
}

std::string ForwardingJson(const v1::Forwarding& forwarding) {
  const auto forward = [](bool is_set, const v1::Forward& value) {
    if (!is_set) return Json();
    return Json{{"destination", value.destination()}, {"enabled", value.enabled()}};
  };
  return Dump(
      {{"user", forwarding.user()},
       {"unconditional", forward(forwarding.has_unconditional(), forwarding.unconditional())},
       {"busy", forward(forwarding.has_busy(), forwarding.busy())},
       {"no_answer", forward(forwarding.has_no_answer(), forwarding.no_answer())},
       {"do_not_disturb", forwarding.do_not_disturb()},
       {"update_time",
        TimeOrNull(forwarding, forwarding.has_update_time(), &v1::Forwarding::update_time)}});
}

std::string MailboxJson(const v1::Mailbox& mailbox, std::string_view event) {
  Json object = Json::object();
  if (!event.empty()) object["event"] = event;
  object["user"] = mailbox.user();
  object["mailbox"] = TextOrNull(mailbox.mailbox());
  object["new_message_count"] = mailbox.new_message_count();
  object["old_message_count"] = mailbox.old_message_count();
  object["pbx"] = TextOrNull(mailbox.pbx());
  object["stale"] = mailbox.stale();
  object["update_time"] = TimeOrNull(mailbox, mailbox.has_update_time(), &v1::Mailbox::update_time);
  return Dump(object);
}

std::string UserJson(const v1::User& user) {
  Json object = {{"id", user.id()},
                 {"display_name", user.display_name()},
                 {"exten", user.exten()},
                 {"context", user.context()},
                 {"line_type", WordOrNull(user.line_type())},
                 {"username", TextOrNull(user.username())},
                 {"role", WordOrNull(user.role())},
                 {"ring_seconds", user.has_ring_seconds() ? Json(user.ring_seconds()) : Json()},
                 {"voicemail", user.has_voicemail() ? VoicemailObject(user.voicemail()) : Json()},
                 {"enabled", user.has_enabled() ? Json(user.enabled()) : Json()},
                 {"email", TextOrNull(user.email())},
                 {"first_name", TextOrNull(user.first_name())},
                 {"last_name", TextOrNull(user.last_name())},
                 {"lines", Json::array()}};
  for (const v1::Line& line : user.lines()) object["lines"].push_back(UserLineObject(line));
  object["uuid"] = TextOrNull(user.uuid());
  object["etag"] = TextOrNull(user.etag());
  object["create_time"] = TimeOrNull(user, user.has_create_time(), &v1::User::create_time);
  object["update_time"] = TimeOrNull(user, user.has_update_time(), &v1::User::update_time);
  return Dump(object);
}

std::string PbxJson(const v1::Pbx& pbx) {
  return Dump(
      {{"name", pbx.name()},
       {"address", pbx.address()},
       {"tls", pbx.tls()},
       {"link_state", WordOrNull(pbx.link_state())},
       {"link_state_time", TimeOrNull(pbx, pbx.has_link_state_time(), &v1::Pbx::link_state_time)},
       {"asterisk_version", TextOrNull(pbx.asterisk_version())},
       {"user_count", pbx.user_count()},
       {"stale_user_count", pbx.stale_user_count()},
       {"resync_time", TimeOrNull(pbx, pbx.has_resync_time(), &v1::Pbx::resync_time)},
       {"resync_duration_s",
        pbx.has_resync_duration() ? Json(ToSeconds(pbx.resync_duration())) : Json()},
       {"resync_count", pbx.resync_count()},
       {"disconnect_count", pbx.disconnect_count()},
       {"correction_count", pbx.correction_count()},
       {"rewrite_count", pbx.rewrite_count()},
       {"reconcile_time", TimeOrNull(pbx, pbx.has_reconcile_time(), &v1::Pbx::reconcile_time)},
       {"message_count", pbx.message_count()},
       {"skipped_message_count", pbx.skipped_message_count()},
       {"unlisted_devices", Texts(pbx.unlisted_devices())},
       {"unlisted_device_count", pbx.unlisted_device_count()},
       {"list_errors", Texts(pbx.list_errors())},
       {"write_unanswered_time",
        TimeOrNull(pbx, pbx.has_write_unanswered_time(), &v1::Pbx::write_unanswered_time)},
       {"last_error", TextOrNull(pbx.last_error())},
       {"last_error_time", TimeOrNull(pbx, pbx.has_last_error_time(), &v1::Pbx::last_error_time)}});
}

std::string ReconcileJson(std::string_view pbx, const v1::ReconcilePbxResponse& outcome) {
  Json users = Texts(outcome.corrected_users());
  return Dump({{"pbx", pbx},
               {"correction_count", outcome.correction_count()},
               {"rewrite_count", outcome.rewrite_count()},
               {"duration_s", ToSeconds(outcome.duration())},
               {"corrected_users", users}});
}

std::string ServerStatusJson(const v1::ServerStatus& status, std::string_view server) {
  return Dump(
      {{"server", server},
       {"version", status.version()},
       {"ready", status.ready()},
       {"store_writable", status.store_writable()},
       // Beyond 2^53, where many JSON readers lose digits.
       {"epoch", std::to_string(status.epoch())},
       {"sequence", status.sequence()},
       {"start_time", TimeOrNull(status, status.has_start_time(), &v1::ServerStatus::start_time)},
       {"uptime_s", ToSeconds(status.uptime())},
       {"user_count", status.user_count()},
       {"stale_user_count", status.stale_user_count()},
       {"logged_in_user_count", status.logged_in_user_count()},
       {"session_count", status.session_count()},
       {"watch_stream_count", status.watch_stream_count()},
       {"zeromq_topic_count", status.zeromq_topic_count()},
       {"pbx_count", status.pbx_count()},
       {"ready_pbx_count", status.ready_pbx_count()}});
}

std::string ApplyJson(const v1::ApplyAsteriskConfigurationResponse& applied) {
  Json object = {{"outcome", WordOrNull(applied.outcome())},
                 {"changes", Json::array()},
                 {"skipped_users", Json::array()}};
  for (const v1::SkippedUser& user : applied.skipped_users()) {
    object["skipped_users"].push_back({{"user", user.user()}, {"message", user.message()}});
  }
  for (const v1::ConfigurationChange& change : applied.changes()) {
    object["changes"].push_back(
        {{"path", change.path()}, {"diff", change.diff()}, {"truncated", change.truncated()}});
  }
  return Dump(object);
}

std::string TextFileJson(const TextFile& file) {
  return Dump({{"path", file.path}, {"content", file.content}});
}

std::string DoneJson(std::string_view event, std::string_view name, std::string_view value) {
  Json object = Json::object();
  if (!event.empty()) object["event"] = event;
  object[std::string(name)] = value;
  return Dump(object);
}

}  // namespace unipresence::cli
