// Any bytes, in any pieces: the framer finds the same messages as in one piece, the same as a plain
// search, and look-ups in them agree with a walk over the headers.
//
// Input: one byte that chooses the sizes of the pieces, then the stream.

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
      CheckLookUps(*message);
      result.messages.emplace_back(message->text());
    }
    Require(
        !framer.status().ok() || framer.pending_bytes() <= unipresence::ami::kMaxMessageBytes + 1,
        "what waits is bounded");
  }
  result.failed = !framer.status().ok();
  return result;
}

std::vector<std::string> NaiveMessages(std::string_view stream) {
  std::vector<std::string> messages;
  std::string message;
  for (std::size_t end; (end = stream.find("\r\n")) != std::string_view::npos;) {
    const std::string_view line = stream.substr(0, end + 2);
    stream.remove_prefix(end + 2);
    if (line.size() > 2) {
      message += line;
    } else if (!message.empty()) {
      messages.push_back(std::move(message));
      message.clear();
    }
  }
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Result whole = Parse(stream, [&] { return stream.size(); });
  std::uint32_t seed = data[0];
  const Result pieces = Parse(stream, [&]() -> std::size_t {
    seed = seed * 1664525u + 1013904223u;
    // Of single bytes up to pieces of several chunks of the line index.
    return data[0] < 16 ? 1 : 1 + (seed >> 8) % (std::uint32_t{1} << (1 + data[0] % 14));
  });
  Require(pieces.messages == whole.messages, "pieces give the same messages");
  Require(pieces.failed == whole.failed, "pieces fail the same");
  std::vector<std::string> naive = NaiveMessages(stream);
  Require(naive.size() >= whole.messages.size(), "no invented message");
  Require(whole.failed || naive.size() == whole.messages.size(), "no lost message");
  naive.resize(whole.messages.size());
  Require(naive == whole.messages, "a plain search finds the same");
  return 0;
}
