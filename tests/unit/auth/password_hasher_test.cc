#include "server/auth/password_hasher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/auth/password.h"
#include "tests/testing/answer.h"

namespace unipresence::auth {
namespace {

using testing::Answer;
using testing::Moment;

absl::StatusOr<bool> VerifyAndWait(PasswordHasher& hasher, const std::string& hash,
                                   const std::string& password) {
  Answer<absl::StatusOr<bool>> answer;
  hasher.Verify(hash, password, answer);
  return answer.Wait();
}

TEST(PasswordHasherTest, HashesAndVerifiesOnItsOwnThreads) {
  PasswordHasher hasher({});
  Answer<std::pair<std::thread::id, std::string>> answer;
  hasher.Hash("correct horse", [answer](absl::StatusOr<std::string> hash) {
    answer({std::this_thread::get_id(), hash.value()});
  });
  const auto [thread, hash] = answer.Wait();
  EXPECT_NE(thread, std::this_thread::get_id());
  EXPECT_TRUE(VerifyAndWait(hasher, hash, "correct horse").value());
  EXPECT_FALSE(VerifyAndWait(hasher, hash, "wrong horse").value());
  EXPECT_EQ(hasher.probe().hashed.value(), 3u);
}

TEST(PasswordHasherTest, NobodyMatchesAnEmptyHash) {
  PasswordHasher hasher({});
  EXPECT_FALSE(VerifyAndWait(hasher, "", "correct horse").value());
  EXPECT_FALSE(VerifyAndWait(hasher, "", "").value());
  EXPECT_FALSE(VerifyAndWait(hasher, "", "nobody has this password").value());
}

// The CPU seconds of all threads of the process: other load on the machine does not count.
double CpuSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

TEST(PasswordHasherTest, AnUnknownUserCostsAsMuchAsAKnownOne) {
  PasswordHasher hasher({.threads = 1});
  const std::string hash = HashPassword("correct horse").value();
  std::vector<double> known;
  std::vector<double> unknown;
  for (int i = 0; i < 7; ++i) {
    for (auto& [of, seconds] : {std::pair(hash, &known), std::pair(std::string(), &unknown)}) {
      const double begin = CpuSeconds();
      EXPECT_FALSE(VerifyAndWait(hasher, of, "wrong").value());
      seconds->push_back(CpuSeconds() - begin);
    }
  }
  std::nth_element(known.begin(), known.begin() + 3, known.end());
  std::nth_element(unknown.begin(), unknown.begin() + 3, unknown.end());
  // What must not be is an answer at once.
  EXPECT_GT(unknown[3], known[3] / 2);
  EXPECT_LT(unknown[3], known[3] * 2);
}

// Keeps the only thread of a hasher busy until `release`.
void Occupy(PasswordHasher& hasher, const Moment& release) {
  Moment running;
  hasher.Verify("", "x", [running, release](absl::StatusOr<bool>) {
    running.Reach();
    release.Wait();
  });
  running.Wait();
}

TEST(PasswordHasherTest, AFullQueueRefusesAtOnce) {
  std::atomic<int> answered = 0;
  Moment release;
  PasswordHasher hasher({.threads = 1, .queue_capacity = 2});
  Occupy(hasher, release);
  for (int i = 0; i < 2; ++i) hasher.Verify("", "x", [&](absl::StatusOr<bool>) { ++answered; });
  EXPECT_EQ(hasher.probe().queue_depth.value(), 2);
  absl::Status refusal;
  hasher.Verify("", "x", [&](absl::StatusOr<bool> right) { refusal = right.status(); });
  EXPECT_TRUE(absl::IsResourceExhausted(refusal)) << refusal;
  EXPECT_EQ(hasher.probe().refused.value(), 1u);
  EXPECT_EQ(answered, 0);
  release.Reach();
}

TEST(PasswordHasherTest, ItsEndAnswersWhatWaits) {
  std::vector<absl::Status> answers;
  Moment release;
  {
    PasswordHasher hasher({.threads = 1});
    Occupy(hasher, release);
    for (int i = 0; i < 3; ++i) {
      hasher.Hash("x", [&](absl::StatusOr<std::string> hash) {
        answers.push_back(hash.status());
        if (answers.size() == 3) release.Reach();
      });
    }
  }
  ASSERT_EQ(answers.size(), 3u);
  for (const absl::Status& status : answers) EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

}  // namespace
}  // namespace unipresence::auth
