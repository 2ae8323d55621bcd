#ifndef UNIPRESENCE_TESTS_TESTING_LOG_CAPTURE_H_
#define UNIPRESENCE_TESTS_TESTING_LOG_CAPTURE_H_

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>
#include <string>
#include <utility>

namespace unipresence::testing {

// What is logged while it lives: "warning: text", a line each.
class LogCapture {
 public:
  LogCapture() : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out_);
    sink->set_pattern("%l: %v");
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", std::move(sink)));
  }
  ~LogCapture() { spdlog::set_default_logger(before_); }
  // What came since the last call.
  std::string Take() {
    std::string text = out_.str();
    out_.str("");
    return text;
  }

 private:
  std::ostringstream out_;
  std::shared_ptr<spdlog::logger> before_;
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_LOG_CAPTURE_H_
