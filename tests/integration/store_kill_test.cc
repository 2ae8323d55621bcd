// A writer is killed (SIGKILL) in the middle of selection writes, again and again: every selection
// that was acknowledged must be there afterwards, and the store must open.
//
// UNIPRESENCE_STORE_KILLS sets the number of kills; 200 if not set.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "server/storage/open_store.h"
#include "tests/testing/sync_store.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/users.h"

namespace unipresence {
namespace {

using testing::SyncStore;
using testing::TempFolder;
using testing::UniqueAccount;

constexpr int kUsers = 250;  // one byte names one

LineKind Other(LineKind kind) {
  return kind == LineKind::kWebrtc ? LineKind::kDeskphone : LineKind::kWebrtc;
}

std::vector<LineKind> Selections(Store& store) {
  std::vector<LineKind> selections;
  EXPECT_TRUE(SyncStore(store)
                  .ForEachUser([&](const StoredUser& user) {
                    selections.push_back(user.settings.selected_device.value());
                  })
                  .ok());
  return selections;
}

// The child: selects `target[i]` for every user i, in that order, and writes the byte i to
// `acknowledge` when the store thread has answered OK.
[[noreturn]] void WriteUntilKilled(const std::string& path, const std::vector<LineKind>& target,
                                   int acknowledge) {
  // Small batches: many commits to be killed in.
  auto store = OpenStore({.path = path, .queue_capacity = kUsers, .max_batch = 4});
  if (!store.ok()) {
    std::fputs(store.status().ToString().c_str(), stderr);
    std::_Exit(1);
  }
  for (int i = 0; i < kUsers; ++i) {
    const absl::Status refused = (*store)->Submit(
        [i, &target](Transaction& transaction) {
          return transaction.settings.SetSelectedDevice(UniqueAccount(i).id,
                                                        target[static_cast<std::size_t>(i)]);
        },
        [i, acknowledge](absl::Status status) {
          const auto byte = static_cast<unsigned char>(i);
          if (!status.ok() || ::write(acknowledge, &byte, 1) != 1) std::_Exit(1);
        });
    if (!refused.ok()) std::_Exit(1);
  }
  (*store)->Stop();
  while (true) ::pause();
}

TEST(StoreKillTest, EveryAcknowledgedSelectionSurvivesAKill) {
  const char* asked = std::getenv("UNIPRESENCE_STORE_KILLS");
  const int kills = asked != nullptr ? std::atoi(asked) : 200;
  TempFolder folder;
  const std::string path = folder.File("a.db");
  {
    auto opened = OpenStore({.path = path}).value();
    SyncStore store(*opened);
    for (int i = 0; i < kUsers; ++i) {
      ASSERT_TRUE(store.CreateUser({UniqueAccount(i), ""}).ok());
      ASSERT_TRUE(store.SetSelectedDevice(UniqueAccount(i).id, LineKind::kDeskphone).ok());
    }
  }

  std::mt19937 random(20'260'101);
  int acknowledged_total = 0;
  int cut_off = 0;  // kills that came before the last acknowledgement
  for (int kill = 0; kill < kills; ++kill) {
    std::vector<LineKind> before;
    {
      auto store = OpenStore({.path = path});
      ASSERT_TRUE(store.ok()) << "kill " << kill << ": " << store.status();
      before = Selections(**store);
    }
    ASSERT_EQ(before.size(), static_cast<std::size_t>(kUsers));
    std::vector<LineKind> target;
    for (const LineKind kind : before) target.push_back(Other(kind));

    std::array<int, 2> pipe_ends{};
    ASSERT_EQ(::pipe(pipe_ends.data()), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(pipe_ends[0]);
      WriteUntilKilled(path, target, pipe_ends[1]);
    }
    ::close(pipe_ends[1]);

    // Kill after some number of acknowledgements; those already in the pipe count too.
    const int patience = std::uniform_int_distribution<int>(0, kUsers - 1)(random);
    std::vector<bool> acknowledged(kUsers);
    int count = 0;
    unsigned char user = 0;
    while (count < patience && ::read(pipe_ends[0], &user, 1) == 1) {
      acknowledged[user] = true;
      ++count;
    }
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    while (::read(pipe_ends[0], &user, 1) == 1) {
      acknowledged[user] = true;
      ++count;
    }
    ::close(pipe_ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";
    acknowledged_total += count;
    if (count < kUsers) ++cut_off;

    auto store = OpenStore({.path = path});
    ASSERT_TRUE(store.ok()) << "kill " << kill << ": " << store.status();
    const std::vector<LineKind> after = Selections(**store);
    ASSERT_EQ(after.size(), static_cast<std::size_t>(kUsers));
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (acknowledged[i]) {
        ASSERT_EQ(after[i], target[i]) << "kill " << kill << ": lost the selection of user " << i;
      }
    }
  }
  fmt::print("{} kills, {} selections acknowledged, {} kills in the middle\n", kills,
             acknowledged_total, cut_off);
  EXPECT_GT(cut_off, kills / 2) << "the kills come too late to say anything";
}

}  // namespace
}  // namespace unipresence
