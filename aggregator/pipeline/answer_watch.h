#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_ANSWER_WATCH_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_ANSWER_WATCH_H_

// Whether Asterisk answers what it is told. Of each kind of action the oldest one that waits is
// remembered; when it has waited for kPatience, Asterisk is silent, until an action of that kind is
// answered or the link is lost. Each silence is logged once, and its end as well: that too when all
// has been answered for twice kPatience, so that a PBX which is silent again on its next link is no
// news.
//
// Thread: the pipeline's.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "aggregator/base/clock.h"

namespace unipresence {

class AnswerWatch {
 public:
  // More than a reload of many endpoints holds Asterisk up.
  static constexpr Duration kPatience = std::chrono::seconds(5);

  explicit AnswerWatch(std::string pbx) : pbx_(std::move(pbx)) {}

  void Sent(std::string_view action);
  // It was answered, or given up without an answer.
  void Ended(std::string_view action, bool answered);
  void LinkLost();
  // Call it a few times a second: the time of all that follows.
  void OnTick(MonotonicTime now);

  // Since when it is silent; nullopt while it is not.
  const std::optional<MonotonicTime>& silent_since() const { return silent_since_; }

 private:
  struct Waiting {
    int in_flight = 0;
    std::optional<MonotonicTime> since{};
  };

  const std::string pbx_;
  MonotonicTime now_{};
  std::map<std::string, Waiting, std::less<>> waiting_;
  std::optional<MonotonicTime> silent_since_;
  std::optional<MonotonicTime> calm_since_;  // it has answered on this link and is not silent
  bool answered_ = false;                    // on this link
  bool told_ = false;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_ANSWER_WATCH_H_
