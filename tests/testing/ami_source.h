#ifndef UNIPRESENCE_TESTS_TESTING_AMI_SOURCE_H_
#define UNIPRESENCE_TESTS_TESTING_AMI_SOURCE_H_

// The least Asterisk that a link accepts, and the fastest: for benchmarks and tests of the whole
// pipeline. It listens on loopback, lets one client in, answers its lists with unique accounts u0..
// (devices PJSIP/u0, PJSIP/u0_w), and then writes device state changes of the deskphones from
// preformatted buffers, each one a real change, in an order of users that is random and always the
// same: in the order of their tables they would flatter the caches.
//
// Behaviour of an Asterisk is the business of tests/simulation; here only the bytes count.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace unipresence::testing {

class AmiSource {
 public:
  // Rows of a list, each from behind its ActionID to its empty line.
  struct Rows {
    std::string bytes;
    std::vector<std::size_t> offsets = {0};
  };

  explicit AmiSource(std::size_t users);
  ~AmiSource();
  AmiSource(const AmiSource&) = delete;
  AmiSource& operator=(const AmiSource&) = delete;

  std::uint16_t port() const { return port_; }

  // Lets a client in and serves it until its lists are complete: until the Ping behind them is
  // answered.
  void Accept();
  // Closes the link.
  void Drop();

  // Writes `count` changes as fast as they are taken.
  void Blast(std::size_t count);
  // Writes one change every `interval_ns`; the time just before each write goes into `sent`, in
  // nanoseconds of the steady clock.
  void Pace(std::size_t count, std::int64_t interval_ns, std::vector<std::int64_t>& sent);

  // Bytes of one change on the wire, on average.
  double bytes_per_change() const;

 private:
  void Serve();
  void Answer(std::string_view action, std::string_view id);
  void WriteList(std::string_view id, std::string_view row_head, const Rows& rows,
                 std::string_view complete);
  void WriteAll(std::string_view bytes);

  std::size_t users_;
  int listener_ = -1;
  int client_ = -1;
  std::uint16_t port_ = 0;
  std::string in_;
  bool listed_ = false;
  // All users once: into a call, and out of it. `offsets_` are the beginnings of the changes.
  std::vector<std::size_t> busy_offsets_;
  std::vector<std::size_t> idle_offsets_;
  std::string busy_;
  std::string idle_;
  Rows endpoints_;
  Rows device_states_;
  std::size_t next_ = 0;  // changes written so far
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_AMI_SOURCE_H_
