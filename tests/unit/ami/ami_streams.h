#ifndef UNIPRESENCE_TESTS_UNIT_AMI_AMI_STREAMS_H_
#define UNIPRESENCE_TESTS_UNIT_AMI_AMI_STREAMS_H_

// Recorded and invented AMI streams, and what a parser makes of them when they arrive in pieces.

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/ami/framer.h"

namespace unipresence::ami {

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Every recorded trace by name, banner included.
inline std::map<std::string, std::string> Traces() {
  std::map<std::string, std::string> traces;
  const std::filesystem::path folder = UNIPRESENCE_SOURCE_DIR "/tests/data/traces";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".ami") {
      traces[entry.path().stem().string()] = ReadFile(entry.path());
    }
  }
  return traces;
}

struct Parsed {
  std::vector<std::string> messages;  // their text
  bool failed = false;
  bool operator==(const Parsed&) const = default;
};

// Feeds a framer and gathers what it finds.
class Gatherer {
 public:
  explicit Gatherer(bool banner = false) : banner_(banner) {}

  void Feed(std::string_view bytes) {
    const std::span<char> room = framer_.Prepare(bytes.size());
    std::memcpy(room.data(), bytes.data(), bytes.size());
    framer_.Commit(bytes.size());
    if (banner_) {
      const auto line = framer_.NextLine();
      if (!line.has_value()) return;
      parsed_.messages.emplace_back(*line);
      banner_ = false;
    }
    while (const Message* message = framer_.Next()) parsed_.messages.emplace_back(message->text());
    parsed_.failed = !framer_.status().ok();
  }

  const Parsed& parsed() const { return parsed_; }
  Framer& framer() { return framer_; }

 private:
  Framer framer_;
  Parsed parsed_;
  bool banner_;
};

inline Parsed ParseWhole(std::string_view stream, bool banner = false) {
  Gatherer gatherer(banner);
  gatherer.Feed(stream);
  return gatherer.parsed();
}

// The same by plain string search, to judge the framer by: limits are not its business.
inline std::vector<std::string> NaiveMessages(std::string_view stream) {
  std::vector<std::string> messages;
  std::string message;
  while (true) {
    const std::size_t end = stream.find("\r\n");
    if (end == std::string_view::npos) return messages;
    const std::string_view line = stream.substr(0, end + 2);
    stream.remove_prefix(end + 2);
    if (line.size() > 2) {
      message += line;
    } else if (!message.empty()) {
      messages.push_back(message);
      message.clear();
    }
  }
}

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_TESTS_UNIT_AMI_AMI_STREAMS_H_
