#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_PBX_COMPLAINTS_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_PBX_COMPLAINTS_H_

// What one Asterisk does not tell: each list or question that it refuses is logged once, with its
// own reason, until the reason is another one (but for its numbers) or the list comes whole again,
// which is logged too. It outlives links: an Asterisk that refuses after each restart is not news.
//
//   complaints.Raise("CoreShowChannels", "Permission denied", advice);
//   complaints.Resolve("CoreShowChannels");
//
// Thread: the pipeline's.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace unipresence {

class PbxComplaints {
 public:
  explicit PbxComplaints(std::string pbx) : pbx_(std::move(pbx)) {}

  // It is not told, for this reason, which is printable. `rights` are what a manager account needs
  // for it (pbx/manager_rights.h); they are named if the reason is that it lacks them.
  void Raise(std::string_view what, std::string_view why, std::string_view rights);
  // It is told.
  void Resolve(std::string_view what);
  // Nobody asked for it: so nothing stands against it now. The same reason again is no news.
  void Rest(std::string_view what);

  std::vector<std::string> Names() const;
  // "CoreShowChannels: Permission denied", by name.
  std::vector<std::string> Standing() const;

 private:
  const std::string pbx_;
  struct Reason {
    std::string why;
    bool stands = true;
  };
  std::map<std::string, Reason, std::less<>> reasons_;  // by what is not told
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_PBX_COMPLAINTS_H_
