#ifndef UNIPRESENCE_TESTS_SIMULATION_AMI_CONNECTION_H_
#define UNIPRESENCE_TESTS_SIMULATION_AMI_CONNECTION_H_

// One accepted AMI connection: the socket behind an AmiSession.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "asio/ip/tcp.hpp"
#include "asio/steady_timer.hpp"
#include "tests/simulation/ami_server.h"
#include "tests/simulation/ami_session.h"

namespace unipresence::simulation {

// Owned by the server's list and by its own pending operations.
//
// What is written keeps this order: bytes and lists as the session gave them; live events behind a
// list that is being sent; a storm when nothing else is waiting.
class AmiConnection : public AmiOutput, public std::enable_shared_from_this<AmiConnection> {
 public:
  AmiConnection(AmiServer& server, asio::ip::tcp::socket socket, std::uint64_t seed);

  void Start();
  void Close();
  void CloseWhenWritten();
  void CutAfter(std::size_t bytes) { cut_after_ = bytes; }

  bool authenticated() const { return session_.authenticated(); }
  bool Wants(Rights classes) const { return session_.Wants(classes); }
  void SendEvent(std::string_view text);

  // Joins the server's storm at a position.
  void JoinStorm(std::uint64_t position);
  // Nullopt if it takes no part.
  std::optional<std::uint64_t> storm_position() const { return storm_position_; }
  void LeaveStorm() { storm_position_.reset(); }
  // Bytes are on their way, which may lie in the storm's memory.
  bool writing() const { return !out_.empty(); }

  // AmiOutput
  void Write(std::string_view bytes) override;
  void Stream(RowProducer rows) override;
  void CloseAfter(Duration delay, std::string last_words) override;
  std::optional<DeviceState> Heard(EndpointId phone) const override;

 private:
  void Read();
  void WakeWriter();
  void Pump();
  // Puts more into out_; false if nothing is there to send.
  bool Refill();
  void WaitWritable();

  AmiServer& server_;
  asio::ip::tcp::socket socket_;
  asio::steady_timer write_timer_;
  asio::steady_timer close_timer_;
  AmiSession session_;
  std::array<char, 16384> input_{};

  std::string filling_;   // goes out next
  std::string written_;   // memory that out_ may point into
  std::string_view out_;  // what is left of the present write; points into written_ or the storm
  std::deque<std::variant<std::string, RowProducer>> queue_;  // begins with the list being sent
  std::string held_events_;                                   // until that list is complete
  std::optional<std::uint64_t> storm_position_;
  std::optional<std::size_t> cut_after_;
  bool pumping_ = false;  // a pump is posted or waits for the socket
  bool close_when_written_ = false;
  bool deaf_ = false;  // last words are said: input is ignored
  bool closed_ = false;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_AMI_CONNECTION_H_
