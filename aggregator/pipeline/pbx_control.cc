#include "aggregator/pipeline/pbx_control.h"

#include <utility>

namespace unipresence {
namespace {

class NoPbxs final : public PbxControl {
 public:
  void Reconcile(std::string_view, ReconcileCallback done) override {
    std::move(done)(absl::NotFoundError("this server has no PBXs"));
  }
  void AbandonReconciles() override {}
  void WhenWritten(std::string_view, absl::AnyInvocable<void() &&> done) override {
    std::move(done)();
  }
  absl::Status SetWriteBack(std::string_view, bool) override {
    return absl::NotFoundError("this server has no PBXs");
  }
  void Load(std::string_view, ExpectedConfiguration, LoadCallback done) override {
    std::move(done)(absl::UnavailableError("no pipeline runs"));
  }
  void FindConflicts(std::string_view, const ConfiguredNames&, const FormerConfiguration&, Look,
                     ConflictsCallback done) override {
    std::move(done)(absl::UnavailableError("no pipeline runs"));
  }
};

}  // namespace

PbxControl& NoPbxControl() {
  static NoPbxs none;
  return none;
}

}  // namespace unipresence
