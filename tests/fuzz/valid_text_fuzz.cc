// Any bytes as a text from outside: mended they are valid to us and to Protobuf, bounded, and a
// second time the same.
//
// Input: one byte for the most bytes of the result, and the text itself.

#include <google/protobuf/stubs/common.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aggregator/base/valid_text.h"

namespace {

using namespace unipresence;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t limit = data[0];
  for (const TextLines lines : {TextLines::kOne, TextLines::kMany}) {
    const std::string mended = ValidText(text, limit, lines);
    Require(mended.size() <= limit, "the result is bounded");
    Require(IsValidText(mended, lines), "the result is valid");
    Require(google::protobuf::internal::IsStructurallyValidUTF8(mended.data(),
                                                                static_cast<int>(mended.size())),
            "Protobuf takes the result");
    Require(ValidText(mended, limit, lines) == mended, "a valid text stays as it is");
    Require(!IsValidText(text, lines) || text.size() > limit || mended == text,
            "a valid text that fits stays as it is");
  }
  Require(IsUtf8(text) == google::protobuf::internal::IsStructurallyValidUTF8(
                              text.data(), static_cast<int>(text.size())),
          "what is UTF-8 is the same for Protobuf");
  Require(FindTextFaults(text, 10).size() <= 10, "faults are bounded");
  return 0;
}
