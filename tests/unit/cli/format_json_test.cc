#include "clients/cli/format_json.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace unipresence::cli {
namespace {

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

constexpr char kAlice[] = R"pb(
  user: "alice"
  state: PRESENCE_STATE_AVAILABLE
  hint: 0
  device_in_use: LINE_KIND_DESKPHONE
  rule: RULE_LOGGED_OUT
  selected_device: LINE_KIND_WEBRTC
  lines {
    kind: LINE_KIND_DESKPHONE
    device: "PJSIP/alice"
    state: DEVICE_STATE_NOT_INUSE
    pbx: "main"
  }
  lines {
    kind: LINE_KIND_WEBRTC
    device: "PJSIP/alice_w"
    state: DEVICE_STATE_UNAVAILABLE
    pbx: "main"
    held: true
  }
  revision: 3
  update_time { seconds: 1777644202 nanos: 123456000 }
)pb";

constexpr char kAliceJson[] =
    R"("user":"alice","state":"AVAILABLE","hint":0,"device_in_use":"DESKPHONE",)"
    R"("selected_device":"WEBRTC","logged_in":false,"rule":"LOGGED_OUT","stale":false,)"
    R"("do_not_disturb":false,"emitting":false,)"
    R"("lines":[{"kind":"DESKPHONE","device":"PJSIP/alice","state":"NOT_INUSE","holding":false,)"
    R"("held":false,"pbx":"main"},{"kind":"WEBRTC","device":"PJSIP/alice_w",)"
    R"("state":"UNAVAILABLE","holding":false,"held":true,"pbx":"main"}],)"
    R"("active_forwardings":[],"revision":3,"update_time":"2026-05-01T14:03:22.123456Z")";

TEST(PresenceJsonTest, HasPlainWordsInAFixedOrder) {
  EXPECT_EQ(PresenceJson(Parse<v1::Presence>(kAlice)), "{" + std::string(kAliceJson) + "}");
}

TEST(MailboxJsonTest, HasItsCountsAndWhatIsNotKnownIsNull) {
  const auto box = Parse<v1::Mailbox>(R"pb(
    user: "alice"
    mailbox: "1001@default"
    new_message_count: 2
    old_message_count: 1
    pbx: "main"
    stale: true
    update_time { seconds: 1777644202 }
  )pb");
  EXPECT_EQ(MailboxJson(box), R"({"user":"alice","mailbox":"1001@default","new_message_count":2,)"
                              R"("old_message_count":1,"pbx":"main","stale":true,)"
                              R"("update_time":"2026-05-01T14:03:22.000000Z"})");
  EXPECT_EQ(MailboxJson(Parse<v1::Mailbox>("user: 'bob'"), "MAILBOX"),
            R"({"event":"MAILBOX","user":"bob","mailbox":null,"new_message_count":0,)"
            R"("old_message_count":0,"pbx":null,"stale":false,"update_time":null})");
}

TEST(PresenceJsonTest, WhatIsNotKnownIsNull) {
  const auto json = nlohmann::json::parse(PresenceJson(v1::Presence()));
  for (const char* field : {"state", "device_in_use", "selected_device", "rule", "update_time"}) {
    EXPECT_EQ(json.at(field), nullptr) << field;
  }
  EXPECT_EQ(json.at("lines"), nlohmann::json::array());
}

TEST(PresenceJsonTest, NamesTheForwardingsInForce) {
  const auto json = nlohmann::json::parse(
      PresenceJson(Parse<v1::Presence>("active_forwardings: FORWARDING_CONDITION_NO_ANSWER")));
  EXPECT_EQ(json.at("active_forwardings"), nlohmann::json::array({"NO_ANSWER"}));
}

TEST(UpdateJsonTest, AChangeTellsWhatItWasAndWhy) {
  auto update = Parse<v1::PresenceUpdate>(R"pb(
    sequence: 42
    previous_state: PRESENCE_STATE_RINGING
    cause {
      kind: CAUSE_KIND_DEVICE_STATE_CHANGE
      pbx: "main"
      device: "PJSIP/alice"
      device_state: DEVICE_STATE_NOT_INUSE
      time { seconds: 1777644202 nanos: 100000 }
    })pb");
  *update.mutable_presence() = Parse<v1::Presence>(kAlice);
  EXPECT_EQ(UpdateJson(update),
            R"({"event":"UPDATE","time":"2026-05-01T14:03:22.000100Z","sequence":42,)"
            R"("refresh":false,"merged_changes":0,"previous_state":"RINGING",)" +
                std::string(kAliceJson) +
                R"(,"cause":{"kind":"DEVICE_STATE_CHANGE","pbx":"main","device":"PJSIP/alice",)"
                R"("device_state":"NOT_INUSE","time":"2026-05-01T14:03:22.000100Z"}})");
}

TEST(UpdateJsonTest, AValueWithoutCauseHasTheTimeOfThePresence) {
  v1::PresenceUpdate update;
  update.set_refresh(true);
  *update.mutable_presence() = Parse<v1::Presence>(kAlice);
  const auto json = nlohmann::json::parse(UpdateJson(update));
  EXPECT_EQ(json.at("time"), "2026-05-01T14:03:22.123456Z");
  EXPECT_EQ(json.at("cause"), nullptr);
  EXPECT_EQ(json.at("sequence"), nullptr);
  EXPECT_EQ(json.at("refresh"), true);
}

TEST(UpdateJsonTest, ACommandHasNoDevice) {
  const auto json = nlohmann::json::parse(
      UpdateJson(Parse<v1::PresenceUpdate>(R"pb(presence {}
                                                cause { kind: CAUSE_KIND_LOGIN })pb")));
  EXPECT_EQ(json.at("cause").at("kind"), "LOGIN");
  EXPECT_EQ(json.at("cause").at("device"), nullptr);
  EXPECT_EQ(json.at("cause").at("device_state"), nullptr);
}

TEST(UpdateJsonTest, ARemovedUser) {
  EXPECT_EQ(
      UpdateJson(Parse<v1::PresenceUpdate>(R"pb(
        sequence: 7
        removed { user: "bob" revision: 9 }
        previous_state: PRESENCE_STATE_UNKNOWN
        cause {
          kind: CAUSE_KIND_USER_DELETED
          time { seconds: 0 }
        })pb")),
      R"({"event":"REMOVED","time":"1970-01-01T00:00:00.000000Z","sequence":7,)"
      R"("refresh":false,"merged_changes":0,"user":"bob","revision":9,"previous_state":"UNKNOWN",)"
      R"("cause":{"kind":"USER_DELETED","pbx":null,"device":null,"device_state":null,)"
      R"("time":"1970-01-01T00:00:00.000000Z"}})");
}

TEST(MarkerJsonTest, IsAnEvent) {
  EXPECT_EQ(MarkerJson("CURRENT"), R"({"event":"CURRENT"})");
  EXPECT_EQ(MarkerJson("DISCONNECTED", "why"), R"({"event":"DISCONNECTED","message":"why"})");
}

TEST(ExplanationJsonTest, IsThePresenceWithMore) {
  auto explanation = Parse<v1::ExplainPresenceResponse>(R"pb(
    sentence: "Nobody is logged in."
    inputs {
      line_type: LINE_TYPE_UNIQUE_ACCOUNT
      deskphone_state: DEVICE_STATE_NOT_INUSE
      webrtc_state: DEVICE_STATE_UNAVAILABLE
      selected_device: LINE_KIND_WEBRTC
    }
    lines {
      line { kind: LINE_KIND_DESKPHONE device: "PJSIP/alice" state: DEVICE_STATE_INUSE }
      reported_state: DEVICE_STATE_NOT_INUSE
      emitting: true
      in_call: true
      link_state: PBX_LINK_STATE_READY
    }
    causes {
      cause { kind: CAUSE_KIND_LOGOUT }
      state: PRESENCE_STATE_AVAILABLE
      rule: RULE_LOGGED_OUT
      revision: 3
    }
    client_session_count: 2)pb");
  *explanation.mutable_presence() = Parse<v1::Presence>(kAlice);
  const auto json = nlohmann::json::parse(ExplanationJson(explanation));
  EXPECT_EQ(json.at("state"), "AVAILABLE");
  EXPECT_EQ(json.at("sentence"), "Nobody is logged in.");
  EXPECT_EQ(json.at("inputs").at("webrtc_state"), "UNAVAILABLE");
  EXPECT_EQ(json.at("client_session_count"), 2);
  ASSERT_EQ(json.at("lines").size(), 1U);
  EXPECT_EQ(json.at("lines")[0].at("reported_state"), "NOT_INUSE");
  EXPECT_EQ(json.at("lines")[0].at("state"), "INUSE");
  EXPECT_EQ(json.at("lines")[0].at("link_state"), "READY");
  EXPECT_EQ(json.at("causes")[0].at("cause").at("kind"), "LOGOUT");
  EXPECT_EQ(json.at("causes")[0].at("revision"), 3);
}

TEST(SessionJsonTest, NamesTheSession) {
  const auto session = Parse<v1::Session>(R"pb(
    id: "s1"
    user: "alice"
    kind: SESSION_KIND_ASSISTANT
    role: ROLE_USER
    time_to_live { seconds: 20 }
    expire_time { seconds: 0 })pb");
  const auto json = nlohmann::json::parse(SessionEventJson("HELD", session, "pbx1:50051"));
  EXPECT_EQ(json.at("event"), "HELD");
  EXPECT_EQ(json.at("server"), "pbx1:50051");
  EXPECT_EQ(json.at("session"), "s1");
  EXPECT_EQ(json.at("kind"), "ASSISTANT");
  EXPECT_EQ(json.at("time_to_live_s"), 20.0);
  EXPECT_EQ(json.at("expire_time"), "1970-01-01T00:00:00.000000Z");
  EXPECT_FALSE(nlohmann::json::parse(SessionJson(session)).contains("event"));
}

TEST(ForwardingJsonTest, ConditionsThatAreNotSetAreNull) {
  const auto json = nlohmann::json::parse(ForwardingJson(Parse<v1::Forwarding>(R"pb(
    user: "alice"
    busy { destination: "2000" }
    no_answer { destination: "+33123" enabled: true }
    do_not_disturb: true
    update_time { seconds: 0 })pb")));
  EXPECT_EQ(json.at("user"), "alice");
  EXPECT_EQ(json.at("unconditional"), nullptr);
  EXPECT_EQ(json.at("busy").at("destination"), "2000");
  EXPECT_EQ(json.at("busy").at("enabled"), false);
  EXPECT_EQ(json.at("no_answer").at("enabled"), true);
  EXPECT_EQ(json.at("do_not_disturb"), true);
  EXPECT_EQ(json.at("update_time"), "1970-01-01T00:00:00.000000Z");
}

TEST(UserJsonTest, TellsRingTimeAndBox) {
  const auto json = nlohmann::json::parse(UserJson(Parse<v1::User>(R"pb(
    id: "bob"
    ring_seconds: 20
    voicemail { number: "1002" context: "default" password: "4711" })pb")));
  EXPECT_EQ(json.at("ring_seconds"), 20);
  EXPECT_EQ(json.at("voicemail").at("number"), "1002");
  EXPECT_EQ(json.at("voicemail").at("email"), nullptr);
  EXPECT_FALSE(json.at("voicemail").contains("password"));
  EXPECT_EQ(nlohmann::json::parse(UserJson(v1::User())).at("voicemail"), nullptr);
}

TEST(UserJsonTest, TellsNoSecret) {
  const std::string json =
      UserJson(
          Parse<v1::User>(R"pb(
            id: "bob"
            password: "hunter22"
            line_type: LINE_TYPE_SIP
            lines {
              kind: LINE_KIND_DESKPHONE
              pbx: "main"
              device: "PJSIP/bob"
              sip_secret: "sesame12"
            })pb"));
  EXPECT_EQ(json.find("hunter22"), std::string::npos);
  EXPECT_EQ(json.find("sesame12"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(json).at("lines")[0].at("device"), "PJSIP/bob");
}

TEST(PbxJsonTest, TellsTheLink) {
  const auto json = nlohmann::json::parse(PbxJson(Parse<v1::Pbx>(R"pb(
    name: "main"
    address: "127.0.0.1:5038"
    link_state: PBX_LINK_STATE_SYNCHRONIZING
    resync_duration { nanos: 250000000 }
    user_count: 5)pb")));
  EXPECT_EQ(json.at("link_state"), "SYNCHRONIZING");
  EXPECT_EQ(json.at("resync_duration_s"), 0.25);
  EXPECT_EQ(json.at("user_count"), 5);
  EXPECT_EQ(json.at("last_error"), nullptr);
  EXPECT_EQ(json.at("resync_time"), nullptr);
}

TEST(ServerStatusJsonTest, TheEpochKeepsItsDigits) {
  const auto json = nlohmann::json::parse(ServerStatusJson(
      Parse<v1::ServerStatus>("epoch: 18446744073709551615 ready: true"), "pbx1:50051"));
  EXPECT_EQ(json.at("epoch"), "18446744073709551615");
  EXPECT_EQ(json.at("ready"), true);
}

TEST(SelectionJsonTest, TellsChoiceAndConsequence) {
  EXPECT_EQ(SelectionJson(Parse<v1::DeviceSelection>(R"pb(
              user: "alice"
              selected_device: LINE_KIND_WEBRTC
              device_in_use: LINE_KIND_DESKPHONE)pb")),
            R"({"user":"alice","selected_device":"WEBRTC","device_in_use":"DESKPHONE",)"
            R"("update_time":null})");
}

TEST(CallJsonTest, HasEveryField) {
  const auto call = Parse<v1::Call>(R"pb(
    id: "main/1"
    user: "alice"
    kind: LINE_KIND_DESKPHONE
    device: "PJSIP/alice"
    pbx: "main"
    direction: CALL_DIRECTION_EMITTED
    other_party { number: "1001" name: "Bob" user: "bob" }
    state: CALL_STATE_ANSWERED
    holding: true
    start_time { seconds: 1777644202 }
    answer_time { seconds: 1777644203 }
    transfer_call: "main/1/consultation"
    linked_id: "17.1"
  )pb");
  const std::string json =
      R"({"id":"main/1","user":"alice","kind":"DESKPHONE","device":"PJSIP/alice","pbx":"main",)"
      R"("direction":"EMITTED","other_party":{"number":"1001","name":"Bob","user":"bob"},)"
      R"("state":"ANSWERED","holding":true,"held":false,)"
      R"("start_time":"2026-05-01T14:03:22.000000Z","answer_time":"2026-05-01T14:03:23.000000Z",)"
      R"("transfer_call":"main/1/consultation","linked_id":"17.1"})";
  EXPECT_EQ(CallJson(call), json);
  v1::WatchCallsResponse list;
  *list.add_calls() = call;
  EXPECT_EQ(CallListJson(list), R"({"event":"CALLS","calls":[)" + json + R"(],"stale":false})");
}

TEST(CallJsonTest, WhatIsNotKnownIsNull) {
  const auto json = nlohmann::json::parse(CallJson(v1::Call()));
  for (const char* field :
       {"kind", "direction", "state", "start_time", "answer_time", "transfer_call", "linked_id"}) {
    EXPECT_EQ(json.at(field), nullptr) << field;
  }
  EXPECT_EQ(json.at("other_party").at("number"), nullptr);
}

TEST(DoneJsonTest, NamesWhatWasDone) {
  EXPECT_EQ(DoneJson("DELETED", "id", "bob"), R"({"event":"DELETED","id":"bob"})");
  EXPECT_EQ(DoneJson("", "version", "1"), R"({"version":"1"})");
}

}  // namespace
}  // namespace unipresence::cli
