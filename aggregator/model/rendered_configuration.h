#ifndef UNIPRESENCE_AGGREGATOR_MODEL_RENDERED_CONFIGURATION_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_RENDERED_CONFIGURATION_H_

// The configuration of one PBX, made from its users, and what the PBX must know once it has loaded
// it.

#include <string>
#include <vector>

#include "aggregator/base/text_file.h"

namespace unipresence {

// What is in a configuration, by the names that the PBX uses.
struct ConfiguredNames {
  struct Extension {
    std::string context;
    std::string exten;

    friend bool operator==(const Extension&, const Extension&) = default;
  };
  std::vector<std::string> endpoints;  // "alice"
  std::vector<Extension> hints;
  std::vector<std::string> mailboxes;  // "1000@default"

  friend bool operator==(const ConfiguredNames&, const ConfiguredNames&) = default;
};

struct RenderedConfiguration {
  std::vector<TextFile> files;  // always the same ones, by ascending path
  ConfiguredNames names;

  friend bool operator==(const RenderedConfiguration&, const RenderedConfiguration&) = default;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_RENDERED_CONFIGURATION_H_
