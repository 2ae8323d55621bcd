#ifndef UNIPRESENCE_AGGREGATOR_AMI_SESSION_DRIVER_H_
#define UNIPRESENCE_AGGREGATOR_AMI_SESSION_DRIVER_H_

// What drives a session: it owns one and feeds it with bytes and time. connection.h does so over
// TCP or TLS; tests do so with bytes of their own, on a clock that they turn.
//
// The calls here are rare (start, stop, another configuration). What comes and goes on the link
// passes between the driver and its session directly.
//
// Thread: the one that drives the session, except where said.

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "aggregator/ami/ami_probe.h"
#include "aggregator/ami/config.h"
#include "aggregator/ami/session.h"
#include "aggregator/ami/session_handler.h"

namespace unipresence::ami {

class SessionDriver {
 public:
  // Stops.
  virtual ~SessionDriver() = default;

  // Whether a configuration can work; INVALID_ARGUMENT if not: no host, no username, a ca_file that
  // cannot be read.
  virtual absl::Status Check(const PbxConfig& config) const = 0;

  // Connects, and again after every failure, until Stop(). INVALID_ARGUMENT as Check.
  virtual absl::Status Start() = 0;

  // Closes the link. Callbacks of pending actions and OnOffline run before it returns, the handler
  // is not called afterwards. Start() may follow.
  virtual void Stop() = 0;

  // Another address or other credentials for the same PBX. Between Stop() and Start().
  virtual void SetConfig(PbxConfig config) = 0;

  // The same one for the driver's whole life, for Send() and state(). Do not call its inputs.
  virtual Session& session() = 0;

  // Any thread.
  virtual const AmiProbe& probe() const = 0;
};

// Makes the driver of a link whose session speaks to `handler`, which outlives the driver.
using SessionDriverFactory =
    std::function<std::unique_ptr<SessionDriver>(PbxConfig config, SessionHandler& handler)>;

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_SESSION_DRIVER_H_
