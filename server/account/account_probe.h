#ifndef UNIPRESENCE_SERVER_ACCOUNT_ACCOUNT_PROBE_H_
#define UNIPRESENCE_SERVER_ACCOUNT_ACCOUNT_PROBE_H_

// What this room counts. Thread-safe to read; written on the pipeline where it is not shared.

#include "aggregator/base/metric_collector.h"
#include "aggregator/base/probe.h"

namespace unipresence {

struct AccountProbe {
  Counter logins;            // sessions created
  SharedCounter bad_logins;  // wrong password or unknown username
  SharedCounter throttled_logins;
  Counter logouts;
  Counter expired_sessions;
  Gauge sessions;         // alive now
  Gauge logged_in_users;  // users with at least one ASSISTANT session
};

void RegisterMetrics(MetricCollector& collector, const AccountProbe& probe);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_ACCOUNT_PROBE_H_
