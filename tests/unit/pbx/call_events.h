#ifndef UNIPRESENCE_TESTS_UNIT_PBX_CALL_EVENTS_H_
#define UNIPRESENCE_TESTS_UNIT_PBX_CALL_EVENTS_H_

// AMI events of calls with the headers that matter, in Asterisk's order.
//
// A channel is named by its device and a number: {"alice", 1} is PJSIP/alice-00000001 with Uniqueid
// 1700000000.1. {"Local/1000@default", 1, ";2"} is a half of a Local channel.

#include <string>

#include "fmt/format.h"
#include "tests/unit/pbx/pbx_driver.h"

namespace unipresence::pbx {

struct Chan {
  std::string device;
  int number = 0;
  std::string half = {};

  std::string Name() const {
    const std::string technology = device.find('/') == std::string::npos ? "PJSIP/" : "";
    return fmt::format("{}{}-{:08x}{}", technology, device, number, half);
  }
  std::string Id() const {
    return fmt::format("1700000000.{}", number + (half == ";2" ? 1000 : 0));
  }
};

enum State { kDown = 0, kRing = 4, kRingingState = 5, kUp = 6 };

inline Headers Of(std::string event, const Chan& channel, int state, const Chan& leader) {
  return {{"Event", std::move(event)}, {"Privilege", "call,all"},
          {"Channel", channel.Name()}, {"ChannelState", std::to_string(state)},
          {"Uniqueid", channel.Id()},  {"Linkedid", leader.Id()}};
}

inline std::string Newchannel(const Chan& channel, int state, const Chan& leader) {
  return Text(Of("Newchannel", channel, state, leader));
}
inline std::string Newchannel(const Chan& channel, int state) {
  return Newchannel(channel, state, channel);
}
inline std::string Newstate(const Chan& channel, int state) {
  return Text(Of("Newstate", channel, state, channel));
}
inline std::string Hangup(const Chan& channel) { return Text(Of("Hangup", channel, kUp, channel)); }
inline std::string Hold(const Chan& channel) { return Text(Of("Hold", channel, kUp, channel)); }
inline std::string Unhold(const Chan& channel) { return Text(Of("Unhold", channel, kUp, channel)); }
inline std::string MusicStart(const Chan& channel) {
  return Text(Of("MusicOnHoldStart", channel, kUp, channel));
}
inline std::string MusicStop(const Chan& channel) {
  return Text(Of("MusicOnHoldStop", channel, kUp, channel));
}

inline std::string DialBegin(const Chan& caller, const Chan& called) {
  Headers headers = Of("DialBegin", caller, kRing, caller);
  headers.insert(headers.end(), {{"DestChannel", called.Name()},
                                 {"DestChannelState", "0"},
                                 {"DestUniqueid", called.Id()},
                                 {"DestLinkedid", caller.Id()}});
  return Text(headers);
}
// Without a caller: an Originate, or (with another's Linkedid) a page.
inline std::string DialBeginAlone(const Chan& called, const Chan& leader) {
  return Text({{"Event", "DialBegin"},
               {"Privilege", "call,all"},
               {"DestChannel", called.Name()},
               {"DestChannelState", "0"},
               {"DestUniqueid", called.Id()},
               {"DestLinkedid", leader.Id()}});
}

inline std::string Pickup(const Chan& picker, const Chan& target) {
  Headers headers = Of("Pickup", picker, kUp, picker);
  headers.insert(headers.end(),
                 {{"TargetChannel", target.Name()}, {"TargetUniqueid", target.Id()}});
  return Text(headers);
}

inline std::string Rename(const std::string& from, const std::string& to, const std::string& id) {
  return Text({{"Event", "Rename"},
               {"Privilege", "call,all"},
               {"Channel", from},
               {"Newname", to},
               {"Uniqueid", id}});
}

inline std::string Bridge(std::string event, const std::string& bridge, const Chan& channel,
                          const std::string& type) {
  Headers headers = Of(std::move(event), channel, kUp, channel);
  headers.insert(headers.begin() + 2, {{"BridgeUniqueid", bridge}, {"BridgeType", type}});
  return Text(headers);
}
inline std::string Enter(const std::string& bridge, const Chan& channel,
                         const std::string& type = "basic") {
  return Bridge("BridgeEnter", bridge, channel, type);
}
inline std::string Leave(const std::string& bridge, const Chan& channel,
                         const std::string& type = "basic") {
  return Bridge("BridgeLeave", bridge, channel, type);
}

inline std::string DeviceState(const std::string& device, const std::string& state) {
  return Text({{"Event", "DeviceStateChange"},
               {"Privilege", "call,all"},
               {"Device", device},
               {"State", state}});
}

inline std::string ContactEvent(const std::string& endpoint, const std::string& uri,
                                const std::string& status) {
  return Text({{"Event", "ContactStatus"},
               {"Privilege", "system,all"},
               {"URI", uri},
               {"ContactStatus", status},
               {"AOR", endpoint},
               {"EndpointName", endpoint}});
}

// --- Rows of lists ---

inline std::string EndpointRow(const std::string& endpoint, const std::string& contacts,
                               const std::string& state) {
  return Text({{"Event", "EndpointList"},
               {"ActionID", "1"},
               {"ObjectName", endpoint},
               {"Contacts", contacts},
               {"DeviceState", state}});
}

inline std::string DeviceStateRow(const std::string& device, const std::string& state) {
  return Text(
      {{"Event", "DeviceStateChange"}, {"ActionID", "1"}, {"Device", device}, {"State", state}});
}

inline std::string ContactRow(const std::string& endpoint, const std::string& uri,
                              const std::string& status) {
  return Text({{"Event", "ContactList"},
               {"ActionID", "1"},
               {"ObjectName", endpoint + ";@0123"},
               {"Endpoint", endpoint},
               {"Uri", uri},
               {"Status", status}});
}

inline std::string ChannelRow(const Chan& channel, int state, const Chan& leader,
                              const std::string& application, const std::string& bridge = {}) {
  Headers headers = Of("CoreShowChannel", channel, state, leader);
  headers[1] = {"ActionID", "1"};
  headers.insert(
      headers.end(),
      {{"Application", application}, {"ApplicationData", "(Outgoing Line)"}, {"BridgeId", bridge}});
  return Text(headers);
}

inline std::string StatusRow(const Chan& channel, int state, const Chan& leader,
                             const std::string& application, const std::string& dialled) {
  Headers headers = Of("Status", channel, state, leader);
  headers.insert(headers.end(),
                 {{"DNID", dialled}, {"Application", application}, {"ActionID", "1"}});
  return Text(headers);
}

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_TESTS_UNIT_PBX_CALL_EVENTS_H_
