#ifndef UNIPRESENCE_TESTS_TESTING_RECORDING_CHANGES_H_
#define UNIPRESENCE_TESTS_TESTING_RECORDING_CHANGES_H_

// A follower of a store that keeps what it was told. Read it when the command was answered whose
// change is of interest.

#include <atomic>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "server/storage/committed_change.h"

namespace unipresence::testing {

class RecordingChanges final : public ChangeSink {
 public:
  void OnChange(CommittedChange change) override {
    changes.push_back(std::move(change));
    ++held;
  }
  void Flush() override {
    ++flushes;
    held = 0;
  }

  std::vector<std::string> ids() const {
    std::vector<std::string> ids;
    for (const CommittedChange& change : changes) {
      for (const ChangedUser& user : change.users) ids.push_back(user.id);
    }
    return ids;
  }

  std::vector<CommittedChange> changes;
  std::size_t held = 0;  // changes since the last Flush
  std::atomic<int> flushes{0};
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_RECORDING_CHANGES_H_
