#include "server/metrics/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace unipresence {
namespace {

// The fields of /proc/self/stat behind the command in parentheses, which may hold blanks: field 3
// of proc(5) is at index 0.
std::vector<std::string> StatFields() {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos) return {};
  std::istringstream rest(text.substr(end + 1));
  return {std::istream_iterator<std::string>(rest), std::istream_iterator<std::string>()};
}

double BootTimeSeconds() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return 0;
}

}  // namespace

ProcessUsage ReadProcessUsage() {
  ProcessUsage usage;
  const std::vector<std::string> fields = StatFields();
  const auto field = [&](std::size_t number) {  // as proc(5) numbers them
    return fields.size() > number - 3 ? std::strtod(fields[number - 3].c_str(), nullptr) : 0.0;
  };
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  usage.cpu_seconds = (field(14) + field(15)) / ticks;
  usage.threads = field(20);
  usage.start_time_seconds = BootTimeSeconds() + field(22) / ticks;
  usage.virtual_bytes = field(23);
  usage.resident_bytes = field(24) * static_cast<double>(::sysconf(_SC_PAGESIZE));

  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    ++usage.open_descriptors;
  }
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    usage.max_descriptors = static_cast<double>(limit.rlim_cur);
  }
  return usage;
}

}  // namespace unipresence
