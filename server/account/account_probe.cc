#include "server/account/account_probe.h"

namespace unipresence {

void RegisterMetrics(MetricCollector& collector, const AccountProbe& probe) {
  const MetricGroup group(collector);
  group.Counter("unipresence_logins_total", "Sessions created.", probe.logins);
  group.Counter("unipresence_bad_logins_total", "Wrong passwords and unknown usernames.",
                probe.bad_logins);
  group.Counter("unipresence_throttled_logins_total", "Log-ins told to wait.",
                probe.throttled_logins);
  group.Counter("unipresence_logouts_total", "Sessions ended by their users.", probe.logouts);
  group.Counter("unipresence_expired_sessions_total", "Sessions whose time-to-live has passed.",
                probe.expired_sessions);
  group.Gauge("unipresence_sessions", "Live sessions.", probe.sessions);
  group.Gauge("unipresence_logged_in_users", "Users with a live assistant session.",
              probe.logged_in_users);
}

}  // namespace unipresence
