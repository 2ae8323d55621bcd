#ifndef UNIPRESENCE_SERVER_APP_PBX_OPTIONS_H_
#define UNIPRESENCE_SERVER_APP_PBX_OPTIONS_H_

#include "aggregator/pipeline/pbx_link.h"
#include "server/config/config.h"

namespace unipresence {

// A PBX as it is configured, in the pipeline's words.
PbxOptions ToPbxOptions(const config::PbxConfig& pbx);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_PBX_OPTIONS_H_
