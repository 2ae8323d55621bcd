#ifndef UNIPRESENCE_TESTS_SIMULATION_AMI_SERVER_H_
#define UNIPRESENCE_TESTS_SIMULATION_AMI_SERVER_H_

// The AMI port of the simulated PBX: connections, their buffers, and what can go wrong with them.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "asio/io_context.hpp"
#include "asio/ip/tcp.hpp"
#include "tests/simulation/ami_session.h"
#include "tests/simulation/simulated_pbx.h"
#include "tests/simulation/storm.h"

namespace unipresence::simulation {

class AmiConnection;

// What a new connection meets.
enum class Accepting : std::uint8_t {
  kNormally,
  kAndClosing,  // accepted and closed without a banner, as an Asterisk that stops may do
  kNot,         // refused: nothing listens on the port
};

// Thread: the one that runs the io_context.
class AmiServer : public EventSink {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;          // 0: any free one; kept when the port is opened again
    std::string version = "11.0.0";  // in the banner
    std::vector<ManagerUser> users;
    Duration write_timeout = std::chrono::seconds(5);  // a client that reads nothing is cut off
    std::size_t most_unauthenticated = 50;
    std::uint64_t seed = 1;
  };

  AmiServer(asio::io_context& io, Options options);
  ~AmiServer() override;

  // The PBX whose sink this server is; before Open().
  void SetPbx(SimulatedPbx& pbx) { pbx_ = &pbx; }

  // Listens. A port that was chosen here stays this server's while it is closed. UNAVAILABLE: the
  // address cannot be had.
  absl::Status Open();

  // Kept through Open() too, except that Open() ends kNot.
  void SetAccepting(Accepting accepting);

  std::uint16_t port() const { return options_.port; }
  std::size_t connection_count() const { return connections_.size(); }
  std::size_t authenticated_count() const;
  std::uint64_t accepted_count() const { return accepted_; }

  void OnEvent(Rights classes, std::string_view text) override;

  // Ends all connections: at once, or once everything is written.
  void DropAll(bool flush);

  // Cuts each connection off after that many further bytes, wherever that is within a message.
  void CutAfter(std::size_t bytes);

  // Sends a storm to all clients that want the events; `done` is called after the last byte was
  // written to the last of them, with the seconds it took. FAILED_PRECONDITION: one is running.
  absl::Status Start(std::unique_ptr<Storm> storm, std::function<void(double seconds)> done);
  const Storm* storm() const { return storm_.get(); }

 private:
  friend class AmiConnection;

  void Accept();
  void Remove(AmiConnection& connection);
  // Where a client that comes during a storm begins.
  std::uint64_t StormPosition() const;
  void FinishStormIfAllDone();

  asio::io_context& io_;
  Options options_;
  SimulatedPbx* pbx_ = nullptr;
  Accepting accepting_ = Accepting::kNormally;
  asio::ip::tcp::acceptor reservation_;  // bound and never listens: nobody else gets the port
  asio::ip::tcp::acceptor acceptor_;
  std::list<std::shared_ptr<AmiConnection>> connections_;
  std::uint64_t accepted_ = 0;
  std::unique_ptr<Storm> storm_;
  std::function<void(double)> storm_done_;
  MonotonicTime storm_started_{};
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_AMI_SERVER_H_
