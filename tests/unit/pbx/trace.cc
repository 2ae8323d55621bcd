#include "tests/unit/pbx/trace.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace unipresence::pbx {
namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Trace LoadTrace(const std::filesystem::path& path) {
  Trace trace;
  trace.name = path.stem().string();
  const std::string whole = ReadFile(path);
  const std::size_t banner = whole.find("\r\n") + 2;
  trace.bytes = whole.substr(banner);
  std::ifstream index(path.string() + ".idx");
  double seconds = 0;
  std::size_t offset = 0;
  std::size_t length = 0;
  while (index >> seconds >> offset >> length) {
    if (offset + length > banner) trace.chunks.push_back({seconds, offset + length - banner});
  }
  std::ifstream truths(path.parent_path() / "expected" / (trace.name + ".txt"));
  for (std::string line; std::getline(truths, line);) {
    std::istringstream words(line);
    Trace::Truth truth;
    words >> truth.seconds >> std::ws;
    std::getline(words, truth.state);
    trace.truths.push_back(truth);
  }
  return trace;
}

}  // namespace

std::vector<Trace> LoadTraces(const std::string& folder) {
  std::vector<Trace> traces;
  const std::filesystem::path path = std::string(UNIPRESENCE_SOURCE_DIR "/") + folder;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (entry.path().extension() == ".ami") traces.push_back(LoadTrace(entry.path()));
  }
  std::sort(traces.begin(), traces.end(),
            [](const Trace& a, const Trace& b) { return a.name < b.name; });
  return traces;
}

std::vector<std::string> Messages(const Trace& trace) {
  std::vector<std::string> messages;
  std::size_t begin = 0;
  for (std::size_t end = trace.bytes.find("\r\n\r\n"); end != std::string::npos;
       end = trace.bytes.find("\r\n\r\n", begin)) {
    messages.push_back(trace.bytes.substr(begin, end + 2 - begin));
    begin = end + 4;
    while (trace.bytes.compare(begin, 2, "\r\n") == 0) begin += 2;  // a stray empty line
  }
  return messages;
}

TracePlayer::TracePlayer(PbxDriver& driver) : driver_(driver) {
  driver_.Resync(ResyncKind::kResync);
}

void TracePlayer::OnMessage(const ami::Message& message) {
  const std::string_view event = message.Event();
  if (!message.Has("ActionID")) {
    driver_.tracker().OnEvent(message, ami::kLiveEvent);
    return;
  }
  const std::string row(message.text());
  if (event == "EndpointList") lists_.endpoints->push_back(row);
  if (event == "DeviceStateChange") lists_.device_states->push_back(row);
  if (event == "ContactList") lists_.contacts->push_back(row);
  if (event == "CoreShowChannel") lists_.channels->push_back(row);
  if (event == "Status") lists_.statuses->push_back(row);
  if (event == "DeviceStateListComplete" || event == "CoreShowChannelsComplete" ||
      event == "ContactListComplete" || message.Get("Message").starts_with("No Contacts found")) {
    ++lists_complete_;
  }
  if (lists_complete_ < 3) return;
  driver_.EndRead();
  driver_.Resync(ResyncKind::kResync, lists_);
  lists_ = {};
  lists_complete_ = 0;
}

}  // namespace unipresence::pbx
