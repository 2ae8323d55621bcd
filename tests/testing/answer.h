#ifndef UNIPRESENCE_TESTS_TESTING_ANSWER_H_
#define UNIPRESENCE_TESTS_TESTING_ANSWER_H_

// A callback that a test can wait for.
//
//   Answer<absl::Status> answer;
//   thread.Submit(work, answer);
//   EXPECT_TRUE(answer.Wait().ok());
//
// Copies share one value, so the caller of the callback may still be in it when the test goes on.

#include <future>
#include <memory>
#include <utility>

namespace unipresence::testing {

template <typename T>
class Answer {
 public:
  void operator()(T value) const { promise_->set_value(std::move(value)); }
  // Once.
  T Wait() const { return promise_->get_future().get(); }

 private:
  std::shared_ptr<std::promise<T>> promise_ = std::make_shared<std::promise<T>>();
};

// A moment that some thread reaches and others wait for.
class Moment {
 public:
  void Reach() const { promise_->set_value(); }
  void Wait() const { future_.wait(); }

 private:
  std::shared_ptr<std::promise<void>> promise_ = std::make_shared<std::promise<void>>();
  std::shared_future<void> future_ = promise_->get_future().share();
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_ANSWER_H_
