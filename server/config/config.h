#ifndef UNIPRESENCE_SERVER_CONFIG_CONFIG_H_
#define UNIPRESENCE_SERVER_CONFIG_CONFIG_H_

// What an administrator may set, as structs: one per subsystem, units in names, defaults in place.
// config_loader.h fills them; README and deploy/ show the file.
//
// Values. Copy the part a subsystem needs; a reload makes new ones (server/app/reloader.h).

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/ami/config.h"
#include "aggregator/model/deskphone_call.h"

namespace unipresence::config {

// One Asterisk (pbx: [...]): how to reach it, where the name is unique and lines refer to it, the
// secret is from `secret`, the file `secret_file` or the environment, and of the events those are
// asked for that are read; and what is done with it.
struct PbxConfig : ami::PbxConfig {
  PbxConfig() { events = "system,call,user"; }

  // Tells contents of tls.ca_file apart: that of when LoadWithCertificates read it. A renewed file
  // is a change.
  std::size_t ca_digest = 0;
  // Tell it where calls ring, in its AstDB, and the presence as custom device states. Off: it is
  // only listened to.
  bool write_back = true;
  // Where the files that are made from the users are written, as this machine sees the folder;
  // empty = nowhere, and ApplyAsteriskConfiguration is refused.
  std::string configuration_folder;
};

struct GrpcConfig {
  std::string listen = "127.0.0.1:50051";  // host:port (0 = any free one) or unix:/path
};

struct ZeromqConfig {
  std::string publish = "tcp://127.0.0.1:5561";   // XPUB; port * = any free one
  std::string snapshot = "tcp://127.0.0.1:5562";  // ROUTER
};

struct MetricsConfig {
  std::string listen = "127.0.0.1:9464";  // host:port (0 = any free one)
};

struct StoreConfig {
  std::string path = "unipresence.db";  // relative to the working directory
};

struct SessionsConfig {
  // 1 to 86400: how long calls may still ring in a browser that vanished without a word.
  int time_to_live_s = 20;
};

struct FusionConfig {
  DeskphoneCall deskphone_call = DeskphoneCall::kEmitted;
};

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarning, kError };
std::string_view ToString(LogLevel level);  // "trace", "debug", "info", "warning", "error"

struct LogConfig {
  LogLevel level = LogLevel::kInfo;
};

struct Config {
  std::vector<PbxConfig> pbxs;
  GrpcConfig grpc;
  ZeromqConfig zeromq;
  MetricsConfig metrics;
  StoreConfig store;
  SessionsConfig sessions;
  FusionConfig fusion;
  LogConfig log;
  std::string users_file;  // empty = none
  // The file is the truth: what it says of known users is taken too, not only of new ones.
  bool users_file_wins = false;
};

}  // namespace unipresence::config

#endif  // UNIPRESENCE_SERVER_CONFIG_CONFIG_H_
