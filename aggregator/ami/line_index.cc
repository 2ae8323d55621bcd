#include "aggregator/ami/line_index.h"

#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace unipresence::ami {
namespace {

std::size_t IndexPortable(const char* data, std::size_t size, std::uint32_t base,
                          std::uint32_t* out) {
  std::uint32_t* const begin = out;
  const char* const end = data + size;
  for (const char* at = data; at != end; ++at) {
    at = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (at == nullptr) break;
    if (at[-1] == '\r') *out++ = base + static_cast<std::uint32_t>(at - data);
  }
  return static_cast<std::size_t>(out - begin);
}

#if defined(__x86_64__)

inline std::uint32_t* Append(std::uint64_t mask, std::uint32_t base, std::uint32_t* out) {
  for (; mask != 0; mask &= mask - 1) {
    *out++ = base + static_cast<std::uint32_t>(std::countr_zero(mask));
  }
  return out;
}

inline std::uint64_t LineEnds16(const char* at) {
  const auto load = [](const char* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  };
  const __m128i found = _mm_and_si128(_mm_cmpeq_epi8(load(at), _mm_set1_epi8('\n')),
                                      _mm_cmpeq_epi8(load(at - 1), _mm_set1_epi8('\r')));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(found));
}

std::size_t IndexSse2(const char* data, std::size_t size, std::uint32_t base, std::uint32_t* out) {
  std::uint32_t* const begin = out;
  std::size_t at = 0;
  for (; at + 64 <= size; at += 64) {
    const char* block = data + at;
    const std::uint64_t mask = LineEnds16(block) | LineEnds16(block + 16) << 16 |
                               LineEnds16(block + 32) << 32 | LineEnds16(block + 48) << 48;
    out = Append(mask, base + static_cast<std::uint32_t>(at), out);
  }
  const std::size_t rest =
      IndexPortable(data + at, size - at, base + static_cast<std::uint32_t>(at), out);
  return static_cast<std::size_t>(out - begin) + rest;
}

__attribute__((target("avx2"))) inline std::uint64_t LineEnds32(const char* at) {
  const __m256i here = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  const __m256i before = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at - 1));
  const __m256i found = _mm256_and_si256(_mm256_cmpeq_epi8(here, _mm256_set1_epi8('\n')),
                                         _mm256_cmpeq_epi8(before, _mm256_set1_epi8('\r')));
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(found));
}

// Lines of AMI are 15 to 60 bytes long: a block of 64 has up to four ends almost always. Those are
// written without asking how many there are, which the processor could not predict.
__attribute__((target("avx2,bmi,popcnt"))) std::size_t IndexAvx2(const char* data, std::size_t size,
                                                                 std::uint32_t base,
                                                                 std::uint32_t* out) {
  std::uint32_t* const begin = out;
  std::size_t at = 0;
  for (; at + 64 <= size; at += 64) {
    std::uint64_t mask = LineEnds32(data + at) | LineEnds32(data + at + 32) << 32;
    const std::uint32_t offset = base + static_cast<std::uint32_t>(at);
    const auto count = static_cast<std::size_t>(_mm_popcnt_u64(mask));
    for (int i = 0; i < 4; ++i) {
      out[i] = offset + static_cast<std::uint32_t>(_tzcnt_u64(mask));
      mask = _blsr_u64(mask);
    }
    if (count > 4) [[unlikely]]
      Append(mask, offset, out + 4);
    out += count;
  }
  const std::size_t rest =
      IndexPortable(data + at, size - at, base + static_cast<std::uint32_t>(at), out);
  return static_cast<std::size_t>(out - begin) + rest;
}

bool HasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("popcnt");
}

#endif  // __x86_64__

}  // namespace

std::size_t ListLineIndexers(NamedLineIndexer (&out)[kMaxLineIndexers]) {
  std::size_t count = 0;
#if defined(__x86_64__)
  out[count++] = {"avx2", IndexAvx2, HasAvx2()};
  out[count++] = {"sse2", IndexSse2, true};
#endif
  out[count++] = {"portable", IndexPortable, true};
  return count;
}

LineIndexer BestLineIndexer() {
  static const LineIndexer best = [] {
    NamedLineIndexer all[kMaxLineIndexers];
    const std::size_t count = ListLineIndexers(all);
    std::size_t i = 0;
    while (i + 1 < count && !all[i].supported) ++i;
    return all[i].function;
  }();
  return best;
}

}  // namespace unipresence::ami
