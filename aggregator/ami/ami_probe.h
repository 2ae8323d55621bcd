#ifndef UNIPRESENCE_AGGREGATOR_AMI_AMI_PROBE_H_
#define UNIPRESENCE_AGGREGATOR_AMI_AMI_PROBE_H_

// What one link counts. The pipeline thread writes, any thread reads.

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "aggregator/base/metric_collector.h"
#include "aggregator/base/mutex.h"
#include "aggregator/base/probe.h"

namespace unipresence::ami {

enum class SessionState : std::uint8_t {
  kStopped,     // before Start() and after Stop()
  kBackoff,     // waits before it connects again
  kConnecting,  // resolving, TCP, TLS
  kBanner,      // connected; Asterisk speaks first
  kChallenge,   // MD5 login, first half
  kLogin,       // waits for the answer to Login
  kBooting,     // logged in; Asterisk is not FullyBooted, its lists are incomplete
  kOnline,      // events flow, actions are taken
};

std::string_view ToString(SessionState state);  // "STOPPED", "BACKOFF", ...

struct AmiProbe {
  Counter connects;         // attempts
  Counter logins;           // times the link came online
  Counter disconnects;      // links lost after the TCP connection stood
  Counter login_refused;    // Asterisk said no to Challenge or Login: wrong user, secret or address
  Counter protocol_errors;  // bytes that are not AMI: most end the link
  Counter dead_links;       // closed because nothing came, not even the answer to a ping
  Counter bytes_received;
  Counter bytes_sent;
  Counter messages;          // of all kinds
  Counter skipped_messages;  // of these, beyond the limits and passed over
  Counter events;            // live events handed over
  Counter rows;              // list rows handed over
  Counter actions_sent;
  Counter actions_refused;  // by the limit of actions in flight or the write queue
  Counter actions_timed_out;
  Counter stray_answers;  // responses and rows of no action in flight, such as late ones: dropped
  Counter pings;
  Counter errors;  // set by SetLastError
  std::atomic<SessionState> state{SessionState::kStopped};
  std::atomic<std::uint32_t> actions_in_flight{0};
  std::atomic<std::uint64_t> write_queue_bytes{0};

  // Why the link failed last; empty if it never did. Kept while the link is up again.
  std::string last_error() const {
    MutexLock lock(mutex);
    return last_error_text;
  }
  void SetLastError(std::string_view text) {
    MutexLock lock(mutex);
    last_error_text = text;
    errors.Add();
  }

  mutable Mutex mutex;
  std::string last_error_text ABSL_GUARDED_BY(mutex);
};

void RegisterMetrics(MetricCollector& collector, const std::string& pbx, const AmiProbe& probe);

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_AMI_PROBE_H_
