#ifndef UNIPRESENCE_SERVER_STREAMING_SURE_POSTER_H_
#define UNIPRESENCE_SERVER_STREAMING_SURE_POSTER_H_

// Commands that must reach the pipeline although its queue is full just now: they wait here, in
// order, for the next Flush. They are about streams, whose number is bounded, and so is theirs.
//
// Not thread-safe.

#include <deque>
#include <memory>
#include <utility>

#include "aggregator/pipeline/executor.h"

namespace unipresence {

class SurePoster {
 public:
  explicit SurePoster(Executor& executor) : executor_(executor) {}

  void Post(Command command) {
    waiting_.push_back(std::make_shared<Command>(std::move(command)));
    Flush();
  }

  void Flush() {
    while (!waiting_.empty()) {
      const std::shared_ptr<Command> command = waiting_.front();
      if (!executor_.Post([command](Core& core) { std::move (*command)(core); })) return;
      waiting_.pop_front();
    }
  }

 private:
  Executor& executor_;
  std::deque<std::shared_ptr<Command>> waiting_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_SURE_POSTER_H_
