#include "server/app/config_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace unipresence {
namespace {

using config::Config;
using config::PbxConfig;

template <typename T>
void Note(std::vector<std::string>& lines, std::string_view what, const T& before, const T& after) {
  if (before != after) lines.push_back(fmt::format("{}: {} -> {}", what, before, after));
}

const PbxConfig* Find(const std::vector<PbxConfig>& pbxs, std::string_view name) {
  const auto found = std::find_if(pbxs.begin(), pbxs.end(),
                                  [&](const PbxConfig& pbx) { return pbx.name == name; });
  return found == pbxs.end() ? nullptr : &*found;
}

std::string Address(const PbxConfig& pbx) {
  return fmt::format("{}:{}{}", pbx.host, pbx.port, pbx.tls.enabled ? " with TLS" : "");
}

void ComparePbx(const PbxConfig& before, const PbxConfig& after, ConfigDifference& out) {
  const std::size_t known = out.changes.size();
  const auto key = [&](std::string_view name) {
    return fmt::format("pbx {}: {}", after.name, name);
  };
  Note(out.changes, key("address"), Address(before), Address(after));
  Note(out.changes, key("username"), before.username, after.username);
  if (before.secret != after.secret) out.changes.push_back(key("another secret"));
  Note(out.changes, key("tls.ca_file"), before.tls.ca_file, after.tls.ca_file);
  if (before.tls.ca_file == after.tls.ca_file && before.ca_digest != after.ca_digest) {
    out.changes.push_back(key(fmt::format("another content of {}", after.tls.ca_file)));
  }
  Note(out.changes, key("tls.verify"), before.tls.verify, after.tls.verify);
  Note(out.changes, key("write_back"), before.write_back, after.write_back);
  if (out.changes.size() > known) out.changed.push_back(after);
  Note(out.need_restart, key("configuration_folder"), before.configuration_folder,
       after.configuration_folder);
}

}  // namespace

ConfigDifference Compare(const Config& before, const Config& after) {
  ConfigDifference out;
  Note(out.changes, "log.level", ToString(before.log.level), ToString(after.log.level));
  Note(out.changes, "users_file", before.users_file, after.users_file);
  Note(out.changes, "users_file_wins", before.users_file_wins, after.users_file_wins);
  for (const PbxConfig& pbx : after.pbxs) {
    if (const PbxConfig* known = Find(before.pbxs, pbx.name)) {
      ComparePbx(*known, pbx, out);
      continue;
    }
    out.added.push_back(pbx);
    out.changes.push_back(fmt::format("pbx {}: new, at {}", pbx.name, Address(pbx)));
    Note(out.need_restart, fmt::format("pbx {}: configuration_folder", pbx.name), std::string(),
         pbx.configuration_folder);
  }
  for (const PbxConfig& pbx : before.pbxs) {
    if (Find(after.pbxs, pbx.name) != nullptr) continue;
    out.removed.push_back(pbx.name);
    out.changes.push_back(
        fmt::format("pbx {}: removed; users with a line on it stay as they are, stale", pbx.name));
  }
  Note(out.need_restart, "grpc.listen", before.grpc.listen, after.grpc.listen);
  Note(out.need_restart, "zeromq.publish", before.zeromq.publish, after.zeromq.publish);
  Note(out.need_restart, "zeromq.snapshot", before.zeromq.snapshot, after.zeromq.snapshot);
  Note(out.need_restart, "metrics.listen", before.metrics.listen, after.metrics.listen);
  Note(out.need_restart, "store.path", before.store.path, after.store.path);
  Note(out.need_restart, "sessions.time_to_live_s", before.sessions.time_to_live_s,
       after.sessions.time_to_live_s);
  Note(out.need_restart, "fusion.deskphone_call", ToString(before.fusion.deskphone_call),
       ToString(after.fusion.deskphone_call));
  return out;
}

Config Merge(const Config& before, Config after) {
  after.grpc = before.grpc;
  after.zeromq = before.zeromq;
  after.metrics = before.metrics;
  after.store = before.store;
  after.sessions = before.sessions;
  after.fusion = before.fusion;
  for (PbxConfig& pbx : after.pbxs) {
    const PbxConfig* known = Find(before.pbxs, pbx.name);
    pbx.configuration_folder = known == nullptr ? "" : known->configuration_folder;
  }
  return after;
}

}  // namespace unipresence
