#include "aggregator/ami/ami_probe.h"

namespace unipresence::ami {

std::string_view ToString(SessionState state) {
  switch (state) {
    case SessionState::kStopped:
      return "STOPPED";
    case SessionState::kBackoff:
      return "BACKOFF";
    case SessionState::kConnecting:
      return "CONNECTING";
    case SessionState::kBanner:
      return "BANNER";
    case SessionState::kChallenge:
      return "CHALLENGE";
    case SessionState::kLogin:
      return "LOGIN";
    case SessionState::kBooting:
      return "BOOTING";
    case SessionState::kOnline:
      return "ONLINE";
  }
  return "INVALID";
}

void RegisterMetrics(MetricCollector& collector, const std::string& pbx, const AmiProbe& probe) {
  const MetricGroup group(collector, {{"pbx", pbx}});
  group.Counter("unipresence_ami_connects_total", "Attempts to connect.", probe.connects);
  group.Counter("unipresence_ami_logins_total", "Times the link came online.", probe.logins);
  group.Counter("unipresence_ami_disconnects_total", "Links lost.", probe.disconnects);
  group.Counter("unipresence_ami_login_refused_total", "Logins that Asterisk refused.",
                probe.login_refused);
  group.Counter("unipresence_ami_protocol_errors_total",
                "Bytes that are not AMI: most end the link.", probe.protocol_errors);
  group.Counter("unipresence_ami_dead_links_total", "Links closed because nothing came.",
                probe.dead_links);
  group.Counter("unipresence_ami_received_bytes_total", "Bytes read.", probe.bytes_received);
  group.Counter("unipresence_ami_sent_bytes_total", "Bytes written.", probe.bytes_sent);
  group.Counter("unipresence_ami_messages_total", "Messages of all kinds.", probe.messages);
  group.Counter("unipresence_ami_skipped_messages_total",
                "Messages beyond the limits that were passed over.", probe.skipped_messages);
  group.Counter("unipresence_ami_events_total", "Live events.", probe.events);
  group.Counter("unipresence_ami_rows_total", "Rows of lists.", probe.rows);
  group.Counter("unipresence_ami_actions_total", "Actions sent.", probe.actions_sent);
  group.Counter("unipresence_ami_actions_refused_total", "Actions refused by a full queue.",
                probe.actions_refused);
  group.Counter("unipresence_ami_actions_timed_out_total", "Actions without an answer in time.",
                probe.actions_timed_out);
  group.GaugeOf("unipresence_ami_actions_in_flight", "Actions that wait for an answer.",
                [&probe] { return static_cast<double>(probe.actions_in_flight.load()); });
  group.GaugeOf("unipresence_ami_write_queue_bytes", "Bytes that wait for the socket.",
                [&probe] { return static_cast<double>(probe.write_queue_bytes.load()); });
}

}  // namespace unipresence::ami
