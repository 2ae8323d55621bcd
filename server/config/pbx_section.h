#ifndef UNIPRESENCE_SERVER_CONFIG_PBX_SECTION_H_
#define UNIPRESENCE_SERVER_CONFIG_PBX_SECTION_H_

// The list of PBXs in a configuration file.

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/config.h"
#include "server/config/errors.h"
#include "server/config/keys.h"
#include "server/config/yaml_node.h"

namespace unipresence::config {

// Where a PBX section finds what is not in it.
struct PbxContext {
  // A path of the file as one that can be opened.
  std::function<std::string(std::string_view)> resolve;
  const std::map<std::string, std::string>& environment;
};

// The PBXs of the node `pbx:`; what is wrong goes to `errors`.
std::vector<PbxConfig> ReadPbxs(const YamlNode& node, const PbxContext& context, ErrorList& errors);

// The keys of a PBX, and of its `tls`.
std::span<const Key> PbxKeys();
std::span<const Key> TlsKeys();

// The environment variable of a PBX's secret: UNIPRESENCED_PBX_MAIN_SECRET for "main".
std::string SecretVariable(std::string_view pbx_name);

}  // namespace unipresence::config

#endif  // UNIPRESENCE_SERVER_CONFIG_PBX_SECTION_H_
