// Any bytes, in any pieces: the framer finds the same messages as in one piece, the same as a plain
// search, and look-ups in them agree with a walk over the headers. Of messages beyond the limits
// the same is kept.
//
// Input: one byte that chooses the sizes of the pieces, then the stream, in which 0xFE, a byte and
// a count stand for 64 times count of that byte.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/ami/framer.h"
#include "aggregator/ami/message.h"

namespace {

using unipresence::ami::Framer;
using unipresence::ami::Header;
using unipresence::ami::Message;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

void CheckLookUps(const Message& framed) {
  const Message text(framed.text());
  Require(framed.Event() == text.Event() && framed.Response() == text.Response(), "first header");
  std::vector<Header> headers;
  text.ForEach([&](const Header& header) { headers.push_back(header); });
  Require(!headers.empty() && headers.size() <= unipresence::ami::kMaxHeaders, "number of headers");
  std::size_t i = 0;
  framed.ForEach([&](const Header& header) {
    Require(
        i < headers.size() && header.name == headers[i].name && header.value == headers[i].value,
        "walks agree");
    ++i;
  });
  Require(i == headers.size(), "walks are as long");
  // Of a long message the first and the last: all pairs would take the fuzzer's time.
  for (const std::size_t at : {std::size_t{0}, headers.size() / 2, headers.size() - 1}) {
    const std::string_view name = headers[at].name;
    if (name.empty()) continue;  // a line without a colon is found by no name
    const auto first =
        std::ranges::find(headers, name, [](const Header& header) { return header.name; });
    Require(framed.Has(name) && framed.Get(name) == first->value, "framed look-up");
    Require(text.Has(name) && text.Get(name) == first->value, "text look-up");
  }
}

std::string Cut(std::size_t size, std::string_view kept) {
  return "cut " + std::to_string(size) + ": " + std::string(kept);
}

struct Result {
  std::vector<std::string> messages;
  bool failed = false;
};

template <typename NextSize>
Result Parse(std::string_view stream, NextSize next_size) {
  Framer framer;
  Result result;
  while (!stream.empty()) {
    const std::size_t size = std::min(stream.size(), next_size());
    std::ranges::copy(stream.substr(0, size), framer.Prepare(size).begin());
    framer.Commit(size);
    stream.remove_prefix(size);
    while (const Message* message = framer.Next()) {
      if (framer.cut_bytes() > 0) {
        result.messages.push_back(Cut(framer.cut_bytes(), message->text()));
        continue;
      }
      CheckLookUps(*message);
      result.messages.emplace_back(message->text());
    }
    Require(
        !framer.status().ok() || framer.pending_bytes() <= unipresence::ami::kMaxMessageBytes + 1,
        "what waits is bounded");
    if (!framer.status().ok()) break;
  }
  result.failed = !framer.status().ok();
  return result;
}

// What the framer is to hand out of these lines.
std::string HandedOut(const std::vector<std::string>& lines) {
  namespace ami = unipresence::ami;
  std::string text;
  std::string kept;
  std::vector<std::string> names = {"ActionID", "Privilege", "EventList", "UserEvent"};
  bool within = lines.size() <= ami::kMaxHeaders;
  for (const std::string& line : lines) {
    within = within && line.size() <= ami::kMaxLineBytes;
    text += line;
    if (line.size() > 514) continue;
    const auto name = std::ranges::find(names, line.substr(0, line.find(": ")));
    if (&line == &lines.front() || name != names.end()) kept += line;
    if (&line != &lines.front() && name != names.end()) names.erase(name);
  }
  return within && text.size() <= ami::kMaxMessageBytes ? text : Cut(text.size(), kept);
}

Result NaiveParse(std::string_view stream) {
  Result result;
  std::vector<std::string> lines;
  std::size_t size = 0;
  for (std::size_t end; (end = stream.find("\r\n")) != std::string_view::npos;) {
    const std::string_view line = stream.substr(0, end + 2);
    stream.remove_prefix(end + 2);
    if (line.size() > 2) {
      lines.emplace_back(line);
      size += line.size();
      result.failed = size > unipresence::ami::kMaxUnendedBytes;
      if (result.failed) return result;
    } else if (!lines.empty()) {
      result.messages.push_back(HandedOut(lines));
      lines.clear();
      size = 0;
    }
  }
  result.failed = size + stream.size() > unipresence::ami::kMaxUnendedBytes + 1;
  return result;
}

std::string Expanded(std::string_view input) {
  constexpr std::size_t kMost = 1'200'000;
  std::string stream;
  for (std::size_t i = 0; i < input.size() && stream.size() < kMost; ++i) {
    if (input[i] == '\xFE' && i + 2 < input.size()) {
      stream.append(64 * std::size_t{static_cast<unsigned char>(input[i + 2])}, input[i + 1]);
      i += 2;
    } else {
      stream += input[i];
    }
  }
  return stream;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string stream =
      Expanded(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  const Result whole = Parse(stream, [&] { return stream.size(); });
  std::uint32_t seed = data[0];
  const std::uint32_t smallest = stream.size() > 100'000 ? 61 : 1;
  const Result pieces = Parse(stream, [&]() -> std::size_t {
    seed = seed * 1664525u + 1013904223u;
    // Of single bytes up to pieces of several chunks of the line index.
    return data[0] < 16 ? smallest
                        : smallest + (seed >> 8) % (std::uint32_t{1} << (1 + data[0] % 14));
  });
  Require(pieces.messages == whole.messages, "pieces give the same messages");
  Require(pieces.failed == whole.failed, "pieces fail the same");
  const Result naive = NaiveParse(stream);
  Require(naive.messages == whole.messages, "a plain search finds the same");
  Require(naive.failed == whole.failed, "and the same damage");
  return 0;
}
