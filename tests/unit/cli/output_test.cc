#include "clients/cli/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

#include "clients/cli/interrupt.h"
#include "clients/cli/interrupt_source.h"

namespace unipresence::cli {
namespace {

class OutputTest : public ::testing::Test {
 protected:
  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);
    ASSERT_EQ(pipe2(pipe_.data(), O_CLOEXEC), 0);
  }
  void TearDown() override {
    if (pipe_[0] >= 0) close(pipe_[0]);
    close(pipe_[1]);
  }
  void CloseReader() {
    close(pipe_[0]);
    pipe_[0] = -1;
  }
  std::string ReadSome() {
    std::string text(100, '\0');
    text.resize(static_cast<std::size_t>(read(pipe_[0], text.data(), text.size())));
    return text;
  }

  std::array<int, 2> pipe_{};
};

TEST_F(OutputTest, EachLineIsThereAtOnce) {
  Output output(pipe_[1]);
  output.Line("one");
  EXPECT_EQ(ReadSome(), "one\n");
  output.Line("");
  EXPECT_EQ(ReadSome(), "\n");
}

TEST_F(OutputTest, AReaderThatLeftIsNoticedAndNoError) {
  Output output(pipe_[1]);
  CloseReader();
  EXPECT_FALSE(output.closed());
  output.Line("one");
  EXPECT_TRUE(output.closed());
  EXPECT_EQ(output.error(), EPIPE);
  output.Line("two");
}

TEST_F(OutputTest, AFullDiskIsAnError) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  Output output(full);
  output.Line("one");
  EXPECT_EQ(output.error(), ENOSPC);
  EXPECT_TRUE(output.closed());
  close(full);
}

TEST_F(OutputTest, AReaderThatLeavesIsNoticedWithoutWriting) {
  Output output(pipe_[1]);
  Interrupt interrupt;
  const ClosedOutputInterrupt source(output, interrupt);
  EXPECT_FALSE(interrupt.raised());
  CloseReader();
  EXPECT_TRUE(interrupt.WaitFor(std::chrono::seconds(10)));
  EXPECT_TRUE(output.closed());
}

TEST_F(OutputTest, ASlowReaderIsNotTakenForOneThatLeft) {
  Output output(pipe_[1]);
  Interrupt interrupt;
  {
    const ClosedOutputInterrupt source(output, interrupt);
    output.Line("one");
  }
  EXPECT_FALSE(interrupt.raised());
  EXPECT_FALSE(output.closed());
}

TEST_F(OutputTest, AFileHasNoReaderToWatch) {
  const int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
  Output output(file);
  Interrupt interrupt;
  { const ClosedOutputInterrupt source(output, interrupt); }
  EXPECT_FALSE(interrupt.raised());
  close(file);
}

TEST(InterruptTest, CancelsTheRpcThatComesAfter) {
  Interrupt interrupt;
  interrupt.Raise();
  EXPECT_TRUE(interrupt.raised());
  EXPECT_TRUE(interrupt.WaitFor(std::chrono::hours(1)));
  grpc::ClientContext context;
  const Interrupt::Scope scope(interrupt, context);
}

TEST(InterruptTest, WaitEndsInTime) {
  Interrupt interrupt;
  EXPECT_FALSE(interrupt.WaitFor(std::chrono::milliseconds(1)));
}

TEST(InterruptTest, RaisingWakesWhoWaits) {
  Interrupt interrupt;
  std::thread raiser([&] { interrupt.Raise(); });
  EXPECT_TRUE(interrupt.WaitFor(std::chrono::seconds(60)));
  raiser.join();
}

}  // namespace
}  // namespace unipresence::cli
