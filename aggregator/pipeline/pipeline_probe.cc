#include "aggregator/pipeline/pipeline_probe.h"

#include "aggregator/engine/pbx_status.h"

namespace unipresence {

void RegisterMetrics(MetricCollector& collector, const PipelineProbe& probe) {
  const MetricGroup group(collector);
  group.Counter("unipresence_pipeline_reads_total", "Socket reads run to completion.", probe.reads);
  group.Counter("unipresence_pipeline_device_changes_total", "Changes that PBXs told.",
                probe.device_changes);
  group.Counter("unipresence_pipeline_unknown_devices_total",
                "Changes of devices that no user has.", probe.unknown_devices);
  group.Counter("unipresence_pipeline_commands_total", "Commands run.", probe.commands);
  group.Counter("unipresence_pipeline_commands_refused_total", "Commands refused by a full queue.",
                probe.commands_refused);
  group.Counter("unipresence_pipeline_work_slices_total", "Slices of sweeps.", probe.work_slices);
  group.Counter("unipresence_reconcile_corrections_total", "Changes that reconciles had to make.",
                probe.corrections);
  group.Gauge("unipresence_pipeline_command_queue_depth", "Commands that wait.",
              probe.command_queue_depth);
  group.Gauge("unipresence_users", "Users.", probe.users);
  group.Gauge("unipresence_sequence", "Sequence of the newest update.", probe.sequence);
  group.Micros("unipresence_read_to_publish_seconds",
               "From a read handed over to its updates sent.", probe.read_to_publish);
}

void RegisterMetrics(MetricCollector& collector, const std::string& pbx,
                     const PbxLinkProbe& probe) {
  const MetricGroup group(collector, {{"pbx", pbx}});
  group.GaugeOf(
      "unipresence_pbx_synced", "1 while events flow and all lists were applied.",
      [&probe] { return probe.link.value() == static_cast<int>(LinkState::kSynced) ? 1.0 : 0.0; });
  group.Counter("unipresence_pbx_resyncs_total", "Lists applied after the link came up.",
                probe.resyncs);
  group.Counter("unipresence_pbx_reconciles_total", "Periodic lists that checked the state.",
                probe.reconciles);
  group.Counter("unipresence_pbx_list_errors_total", "Lists refused or cut short.",
                probe.list_errors);
  group.Counter("unipresence_pbx_mailbox_errors_total",
                "Voicemail boxes whose messages were not told.", probe.mailbox_errors);
  group.GaugeOf("unipresence_pbx_last_resync_seconds", "Duration of the newest resync.",
                [&probe] { return static_cast<double>(probe.last_resync_micros.value()) * 1e-6; });
  group.Gauge("unipresence_pbx_channels", "Live channels at the newest list.", probe.channels);
  group.Gauge("unipresence_pbx_contacts", "Contacts that can be called, at the newest list.",
              probe.contacts);
}

void RegisterMetrics(MetricCollector& collector, const std::string& pbx,
                     const RoutingWriterProbe& probe) {
  const MetricGroup group(collector, {{"pbx", pbx}});
  group.Gauge("unipresence_writeback_in_flight", "Actions that wait for an answer.",
              probe.in_flight);
  group.Gauge("unipresence_writeback_waiting_numbers", "Numbers that changed and wait to be told.",
              probe.waiting);
  group.Gauge("unipresence_writeback_unchecked_numbers", "Numbers that the running check has left.",
              probe.waiting_in_round);
  group.Gauge("unipresence_writeback_unanswered",
              "1 while the PBX does not answer what it is told.", probe.unanswered);
}

}  // namespace unipresence
