#ifndef UNIPRESENCE_AGGREGATOR_AMI_CONFIG_H_
#define UNIPRESENCE_AGGREGATOR_AMI_CONFIG_H_

// How to reach one Asterisk and how patient to be with it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "aggregator/base/clock.h"

namespace unipresence::ami {

struct TlsConfig {
  bool enabled = false;
  // PEM file of the authorities to trust; empty: those of the system.
  std::string ca_file;
  // False accepts any certificate: for tests only.
  bool verify = true;
};

enum class AuthMethod : std::uint8_t {
  kMd5,    // Challenge, then Login with Key: the secret does not cross the wire
  kPlain,  // Login with Secret: for TLS, or where MD5 is forbidden
};

// Waiting times of a link. The defaults notice a half-open link 7 s after its last byte.
struct SessionTimes {
  Duration connect = std::chrono::seconds(5);  // resolving, TCP and TLS together
  Duration banner = std::chrono::seconds(5);   // connected -> banner
  Duration login = std::chrono::seconds(5);    // each of Challenge and Login; a refusal takes 1 s
  Duration fully_booted = std::chrono::seconds(60);  // login -> FullyBooted
  Duration ping_after = std::chrono::seconds(3);     // of silence
  Duration dead_after = std::chrono::seconds(4);     // of silence after the ping
  Duration action = std::chrono::seconds(10);        // of silence for an action or between its rows
  // A list as a whole, from its action to its end: `list` and `list_row` for each row that came, at
  // most `list_most`. One of a million rows has half an hour; one that trickles is given up.
  Duration list = std::chrono::seconds(60);
  Duration list_row = std::chrono::milliseconds(10);
  Duration list_most = std::chrono::minutes(30);
  // Online for that long, a link has been of use: its end is retried at once.
  Duration of_use = std::chrono::seconds(10);
  Duration backoff_first = std::chrono::milliseconds(250);
  Duration backoff_cap = std::chrono::seconds(8);
  Duration backoff_login_refused = std::chrono::seconds(60);  // Asterisk's operators ban hammerers
  // So long after Asterisk said that it stops it is no news that it cannot be reached.
  Duration orderly_stop = std::chrono::seconds(60);
};

struct PbxConfig {
  std::string name;  // for logs and metrics
  std::string host;  // name or address
  std::uint16_t port = 5038;
  std::string username;
  std::string secret;
  AuthMethod auth = AuthMethod::kMd5;
  // The `Events` header of Login: "on", or read classes such as "system,call,cdr,user". FullyBooted
  // and Shutdown are of the class system.
  std::string events = "on";
  TlsConfig tls;

  SessionTimes times;
  std::size_t max_actions_in_flight = 256;
  std::size_t read_bytes = 256 * 1024;          // at most, a turn
  std::size_t write_queue_bytes = 1024 * 1024;  // actions waiting for the socket
};

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_CONFIG_H_
