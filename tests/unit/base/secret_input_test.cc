#include "aggregator/base/secret_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <thread>

#include "tests/testing/temp_folder.h"

namespace unipresence {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SecretFileTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::string> ReadOf(const std::string& text) {
    return ReadSecretFile(folder_.Write("secret", text));
  }
  testing::TempFolder folder_;
};

TEST_F(SecretFileTest, IsTheFirstLine) {
  EXPECT_EQ(*ReadOf("correct horse\n"), "correct horse");
  EXPECT_EQ(*ReadOf("correct horse"), "correct horse");
  EXPECT_EQ(*ReadOf("correct horse\r\n"), "correct horse");
  EXPECT_EQ(*ReadOf(" a b \t\ntwo\n"), " a b \t");
  EXPECT_EQ(*ReadOf("p\xc3\xa9ssw\xc3\xb6rd\n"), "p\xc3\xa9ssw\xc3\xb6rd");
  EXPECT_EQ(*ReadOf(""), "");
  EXPECT_EQ(*ReadOf("\nsecond\n"), "");
}

TEST_F(SecretFileTest, WhatNoClientCouldSendIsRefused) {
  for (const char* line : {"p\xe9ssw\xf6rdlong\n", "\xff\xfep\n", "cut in the middle\xc3"}) {
    const auto secret = ReadOf(line);
    EXPECT_TRUE(absl::IsInvalidArgument(secret.status())) << line;
    EXPECT_THAT(std::string(secret.status().message()),
                AllOf(HasSubstr("UTF-8"), HasSubstr("secret"), Not(HasSubstr("rdlong"))));
  }
}

TEST_F(SecretFileTest, AnotherKindOfFileIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(ReadOf(std::string(100'000, 'x')).status()));
  EXPECT_FALSE(ReadSecretFile(folder_.File(".")).ok());
  const auto missing = ReadSecretFile(folder_.File("none"));
  EXPECT_TRUE(absl::IsNotFound(missing.status()));
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("none"));
}

TEST(ReadSecretTest, LeavesWhatFollowsTheLine) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "one\ntwo\n", 8), 8);
  close(ends[1]);
  EXPECT_EQ(*ReadSecret(ends[0], "stdin"), "one");
  EXPECT_EQ(*ReadSecret(ends[0], "stdin"), "two");
  EXPECT_EQ(*ReadSecret(ends[0], "stdin"), "");
  close(ends[0]);
}

class TerminalTest : public ::testing::Test {
 protected:
  TerminalTest() { EXPECT_EQ(openpty(&keyboard_, &terminal_, nullptr, nullptr, nullptr), 0); }
  ~TerminalTest() override {
    close(keyboard_);
    close(terminal_);
  }
  bool Echoes() const {
    termios settings{};
    return tcgetattr(terminal_, &settings) == 0 && (settings.c_lflag & ECHO) != 0;
  }
  // What the screen shows until it ends with `end`.
  std::string Screen(const std::string& end) const {
    std::string shown;
    for (char c = 0; !shown.ends_with(end) && read(keyboard_, &c, 1) == 1;) shown += c;
    return shown;
  }
  int keyboard_ = -1;
  int terminal_ = -1;
};

TEST_F(TerminalTest, AsksWithoutEcho) {
  std::thread person([&] {
    EXPECT_EQ(Screen("Password: "), "Password: ");
    EXPECT_FALSE(Echoes());
    EXPECT_EQ(write(keyboard_, "correct horse\n", 14), 14);
  });
  const auto secret = AskSecret(terminal_, terminal_, "Password: ");
  person.join();
  EXPECT_EQ(*secret, "correct horse");
  EXPECT_TRUE(Echoes());
  EXPECT_EQ(Screen("\n"), "\r\n") << "and not what was typed";
}

TEST_F(TerminalTest, TheEchoComesBackAfterEverySignal) {
  for (const int sent : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) {
    const pthread_t asking = pthread_self();
    std::thread person([&] {
      Screen("Password: ");
      EXPECT_FALSE(Echoes());
      pthread_kill(asking, sent);
    });
    // Without the signal the end of this line would be waited for for ever.
    const auto secret = AskSecret(terminal_, terminal_, "Password: ");
    person.join();
    EXPECT_TRUE(absl::IsCancelled(secret.status())) << sent;
    EXPECT_TRUE(Echoes()) << sent;
    struct sigaction now {};
    sigaction(sent, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL) << sent;
  }
}

}  // namespace
}  // namespace unipresence
