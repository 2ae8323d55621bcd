#ifndef UNIPRESENCE_SERVER_APP_REGISTER_METRICS_H_
#define UNIPRESENCE_SERVER_APP_REGISTER_METRICS_H_

// Names every number of the server for Prometheus: the one table of what /metrics shows.

#include <string>

#include "server/metrics/probe_collector.h"

namespace unipresence {

class Application;
class PbxLink;

// Once, after the application has started; it must outlive the collector's scrapes.
void RegisterMetrics(ProbeCollector& collector, const Application& application);

// Those of a PBX that came later. ProbeCollector::Remove with the label `pbx` takes them away.
void RegisterPbxMetrics(ProbeCollector& collector, const std::string& name, const PbxLink& link);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_REGISTER_METRICS_H_
