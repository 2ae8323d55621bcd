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
  // Their text; of those beyond the limits "cut SIZE: " and what was kept.
  std::vector<std::string> messages;
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
    while (const Message* message = framer_.Next()) {
      std::string text(message->text());
      if (framer_.cut_bytes() > 0) {
        text = "cut " + std::to_string(framer_.cut_bytes()) + ": " + text;
      }
      parsed_.messages.push_back(std::move(text));
    }
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

// A message as the framer hands it out: whole, or cut.
inline std::string HandedOut(const std::vector<std::string>& lines) {
  std::string text;
  std::string kept;
  bool cut = lines.size() > kMaxHeaders;
  std::map<std::string, bool> names;
  for (const std::string& line : lines) {
    cut = cut || line.size() > kMaxLineBytes;
    text += line;
    const std::string name = line.substr(0, line.find(": "));
    const bool named =
        name == "ActionID" || name == "Privilege" || name == "EventList" || name == "UserEvent";
    const bool first = &line == &lines.front();
    if (line.size() > 514) continue;
    if (first || (named && !names[name])) kept += line;
    if (!first) names[name] = true;
  }
  if (!cut && text.size() <= kMaxMessageBytes) return text;
  return "cut " + std::to_string(text.size()) + ": " + kept;
}

// The same by plain string search, to judge the framer by.
inline std::vector<std::string> NaiveMessages(std::string_view stream) {
  std::vector<std::string> messages;
  std::vector<std::string> lines;
  while (true) {
    const std::size_t end = stream.find("\r\n");
    if (end == std::string_view::npos) return messages;
    const std::string_view line = stream.substr(0, end + 2);
    stream.remove_prefix(end + 2);
    if (line.size() > 2) {
      lines.emplace_back(line);
    } else if (!lines.empty()) {
      messages.push_back(HandedOut(lines));
      lines.clear();
    }
  }
}

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_TESTS_UNIT_AMI_AMI_STREAMS_H_
