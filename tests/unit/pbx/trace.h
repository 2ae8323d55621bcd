#ifndef UNIPRESENCE_TESTS_UNIT_PBX_TRACE_H_
#define UNIPRESENCE_TESTS_UNIT_PBX_TRACE_H_

// Recorded AMI byte streams with the settled truth about user 1000, and what a tracker says of
// them.
//
// Two collections: tests/data/traces (its README.md tells the form) and tests/asterisk/traces.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "aggregator/ami/message.h"
#include "tests/unit/pbx/pbx_driver.h"

namespace unipresence::pbx {

struct Trace {
  // The bytes up to `end` had come by `seconds`.
  struct Chunk {
    double seconds = 0;
    std::size_t end = 0;
  };
  // A line of the expected states: what follows the time.
  struct Truth {
    double seconds = 0;
    std::string state;
  };

  std::string name;
  std::string bytes;  // behind the banner
  std::vector<Chunk> chunks;
  std::vector<Truth> truths;
};

// The traces of a folder (relative to the source), by name.
std::vector<Trace> LoadTraces(const std::string& folder);
inline constexpr char kDataTraces[] = "tests/data/traces";
inline constexpr char kAsteriskTraces[] = "tests/asterisk/traces";

// The messages of a trace, each as its text.
std::vector<std::string> Messages(const Trace& trace);

// Feeds the messages of a trace to a driver. The recording client asked for lists in its own order:
// their rows are gathered, and given as one sequence of lists when the last has come.
class TracePlayer {
 public:
  // Begins with the lists of an Asterisk without contacts and channels.
  explicit TracePlayer(PbxDriver& driver);

  void OnMessage(const ami::Message& message);

 private:
  PbxDriver& driver_;
  Lists lists_;
  int lists_complete_ = 0;
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_TESTS_UNIT_PBX_TRACE_H_
