#ifndef UNIPRESENCE_AGGREGATOR_MODEL_CONFIGURATION_FILE_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_CONFIGURATION_FILE_H_

// A file of a PBX's configuration, as it is, or as it should be.

#include <string>

namespace unipresence {

struct ConfigurationFile {
  std::string path;     // relative to the PBX's configuration folder
  std::string content;  // may hold secrets

  friend bool operator==(const ConfigurationFile&, const ConfigurationFile&) = default;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_CONFIGURATION_FILE_H_
