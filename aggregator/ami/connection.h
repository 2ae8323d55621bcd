#ifndef UNIPRESENCE_AGGREGATOR_AMI_CONNECTION_H_
#define UNIPRESENCE_AGGREGATOR_AMI_CONNECTION_H_

// A session over TCP or TLS on an Asio loop: the link to one Asterisk. Make one per PBX, all on the
// pipeline's loop.
//
//   ami::Connection connection(io, config, handler);
//   connection.Start();
//   io.run();   // handler hears; connection.session().Send(...) from within
//   connection.Stop();
//
// It reads straight into the framer, at most config.read_bytes a turn of the loop, so that a noisy
// PBX does not starve the others; it never blocks (names are resolved on a thread of Asio). Writes
// wait in a queue of config.write_queue_bytes; Session::Send refuses what does not fit. TCP
// keep-alive and no delay are set.
//
// Thread: all methods on the thread that runs the loop (or before it runs), except where said.

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "aggregator/ami/ami_probe.h"
#include "aggregator/ami/config.h"
#include "aggregator/ami/session.h"
#include "aggregator/ami/session_driver.h"
#include "aggregator/ami/session_handler.h"
#include "aggregator/base/clock.h"

namespace asio {
class io_context;
}

namespace unipresence::ami {

class Connection final : public SessionDriver {
 public:
  // `io`, `handler` and `clock` outlive the connection. `random` as in session.h; without one it is
  // seeded by the system.
  Connection(asio::io_context& io, PbxConfig config, SessionHandler& handler,
             const Clock& clock = Clock::System(), std::function<std::uint64_t()> random = nullptr);

  // Stops.
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // SessionDriver. Start: INVALID_ARGUMENT as Check.
  absl::Status Check(const PbxConfig& config) const override;
  absl::Status Start() override;
  void Stop() override;
  void SetConfig(PbxConfig config) override;
  Session& session() override;
  const AmiProbe& probe() const override;

  const PbxConfig& config() const;

 private:
  class Link;
  std::shared_ptr<Link> link_;  // shared with operations in flight
};

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_CONNECTION_H_
