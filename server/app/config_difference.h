#ifndef UNIPRESENCE_SERVER_APP_CONFIG_DIFFERENCE_H_
#define UNIPRESENCE_SERVER_APP_CONFIG_DIFFERENCE_H_

// What a reload has to do: one configuration compared with another. Pure.

#include <string>
#include <vector>

#include "server/config/config.h"

namespace unipresence {

struct ConfigDifference {
  // PBXs that came, or whose link has to come up anew, as they are to be from now on.
  std::vector<config::PbxConfig> added;
  std::vector<config::PbxConfig> changed;
  std::vector<std::string> removed;  // names
  // One for each change that can be made now, for the log: `log.level: info -> debug`. No secrets.
  std::vector<std::string> changes;
  // The same of what takes a restart.
  std::vector<std::string> need_restart;
};

ConfigDifference Compare(const config::Config& before, const config::Config& after);

// The configuration that holds after the reload: `after`, but `before` where it takes a restart, so
// that the next reload says so again.
config::Config Merge(const config::Config& before, config::Config after);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_CONFIG_DIFFERENCE_H_
