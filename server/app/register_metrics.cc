#include "server/app/register_metrics.h"

#include <cstddef>

#include "aggregator/pipeline/pbx_link.h"

namespace unipresence {
namespace {

using Labels = ProbeCollector::Labels;

// Values of `published` are counters or levels of another kind of cell.
template <typename Value>
ProbeCollector::Getter Read(const Value& value) {
  return [&value] { return static_cast<double>(value.value()); };
}

void RegisterPbx(ProbeCollector& collector, const std::string& name, const ami::AmiProbe& ami,
                 const PbxLinkProbe& link) {
  const Labels labels = {{"pbx", name}};
  const auto counter = [&](std::string_view metric, std::string_view help, const auto& value) {
    collector.AddCounter(metric, help, labels, Read(value));
  };
  const auto gauge = [&](std::string_view metric, std::string_view help, const auto& value) {
    collector.AddGauge(metric, help, labels, Read(value));
  };
  collector.AddGauge(
      "unipresence_pbx_synced", "1 while events flow and all lists were applied.", labels,
      [&link] { return link.link.value() == static_cast<int>(LinkState::kSynced) ? 1.0 : 0.0; });
  counter("unipresence_pbx_resyncs_total", "Lists applied after the link came up.", link.resyncs);
  counter("unipresence_pbx_reconciles_total", "Periodic lists that checked the state.",
          link.reconciles);
  counter("unipresence_pbx_list_errors_total", "Lists refused or cut short.", link.list_errors);
  counter("unipresence_pbx_mailbox_errors_total", "Voicemail boxes whose messages were not told.",
          link.mailbox_errors);
  collector.AddGauge(
      "unipresence_pbx_last_resync_seconds", "Duration of the newest resync.", labels,
      [&link] { return static_cast<double>(link.last_resync_micros.value()) * 1e-6; });
  gauge("unipresence_pbx_channels", "Live channels at the newest list.", link.channels);
  gauge("unipresence_pbx_contacts", "Contacts that can be called, at the newest list.",
        link.contacts);
  gauge("unipresence_pbx_malformed_events", "Events that could not be understood, since the start.",
        link.malformed_events);
  counter("unipresence_ami_connects_total", "Attempts to connect.", ami.connects);
  counter("unipresence_ami_logins_total", "Times the link came online.", ami.logins);
  counter("unipresence_ami_disconnects_total", "Links lost.", ami.disconnects);
  counter("unipresence_ami_login_refused_total", "Logins that Asterisk refused.",
          ami.login_refused);
  counter("unipresence_ami_protocol_errors_total", "Bytes that are not AMI: most end the link.",
          ami.protocol_errors);
  counter("unipresence_ami_dead_links_total", "Links closed because nothing came.", ami.dead_links);
  counter("unipresence_ami_received_bytes_total", "Bytes read.", ami.bytes_received);
  counter("unipresence_ami_sent_bytes_total", "Bytes written.", ami.bytes_sent);
  counter("unipresence_ami_messages_total", "Messages of all kinds.", ami.messages);
  counter("unipresence_ami_skipped_messages_total",
          "Messages beyond the limits that were passed over.", ami.skipped_messages);
  counter("unipresence_ami_events_total", "Live events.", ami.events);
  counter("unipresence_ami_rows_total", "Rows of lists.", ami.rows);
  counter("unipresence_ami_actions_total", "Actions sent.", ami.actions_sent);
  counter("unipresence_ami_actions_refused_total", "Actions refused by a full queue.",
          ami.actions_refused);
  counter("unipresence_ami_actions_timed_out_total", "Actions without an answer in time.",
          ami.actions_timed_out);
  collector.AddGauge("unipresence_ami_actions_in_flight", "Actions that wait for an answer.",
                     labels, [&ami] { return static_cast<double>(ami.actions_in_flight.load()); });
  collector.AddGauge("unipresence_ami_write_queue_bytes", "Bytes that wait for the socket.", labels,
                     [&ami] { return static_cast<double>(ami.write_queue_bytes.load()); });
}

void RegisterWriter(ProbeCollector& collector, const std::string& name,
                    const RoutingWriterProbe& writer, const PbxLinkProbe& link) {
  const Labels labels = {{"pbx", name}};
  const auto counter = [&](std::string_view metric, std::string_view help, const auto& value) {
    collector.AddCounter(metric, help, labels, Read(value));
  };
  const auto gauge = [&](std::string_view metric, std::string_view help, const auto& value) {
    collector.AddGauge(metric, help, labels, Read(value));
  };
  counter("unipresence_writeback_writes_total",
          "AstDB keys and custom device states written or deleted.", writer.written);
  counter("unipresence_writeback_verified_total", "Values that Asterisk was asked for and holds.",
          writer.verified);
  counter("unipresence_writeback_rewrites_total",
          "Values that a check found missing or wrong in Asterisk.", writer.rewritten);
  counter("unipresence_writeback_retries_total",
          "Writes that read back differently or were not answered.", writer.retried);
  counter("unipresence_writeback_given_up_total",
          "Writes left to the next check after several attempts.", writer.given_up);
  counter("unipresence_writeback_refused_total", "Actions that Asterisk refused.", writer.refused);
  counter("unipresence_writeback_phone_settings_total", "Settings made from phones.",
          writer.phone_settings);
  counter("unipresence_writeback_malformed_phone_settings_total",
          "Settings made from phones that could not be understood.",
          writer.malformed_phone_settings);
  counter("unipresence_writeback_rejected_phone_settings_total",
          "Settings made from phones that can never be adopted.", writer.rejected_phone_settings);
  gauge("unipresence_writeback_in_flight", "Actions that wait for an answer.", writer.in_flight);
  gauge("unipresence_writeback_waiting_numbers", "Numbers that changed and wait to be told.",
        writer.waiting);
  gauge("unipresence_writeback_unchecked_numbers", "Numbers that the running check has left.",
        writer.waiting_in_round);
  gauge("unipresence_writeback_unanswered", "1 while the PBX does not answer what it is told.",
        writer.unanswered);
  for (std::size_t i = 0; i < pbx::kDialplanOutcomeCount; ++i) {
    const std::string_view outcome = pbx::ToString(static_cast<pbx::DialplanOutcome>(i));
    collector.AddCounter("unipresence_dialplan_outcomes_total",
                         "Calls that the dialplan decided without a channel of the user.",
                         {{"pbx", name}, {"outcome", std::string(outcome)}},
                         Read(link.dialplan_outcomes[i]));
  }
}

void RegisterPipeline(ProbeCollector& collector, const PipelineProbe& probe) {
  const auto counter = [&](std::string_view metric, std::string_view help, const auto& value) {
    collector.AddCounter(metric, help, {}, Read(value));
  };
  counter("unipresence_pipeline_reads_total", "Socket reads run to completion.", probe.reads);
  counter("unipresence_pipeline_device_changes_total", "Changes that PBXs told.",
          probe.device_changes);
  counter("unipresence_pipeline_unknown_devices_total", "Changes of devices that no user has.",
          probe.unknown_devices);
  counter("unipresence_pipeline_commands_total", "Commands run.", probe.commands);
  counter("unipresence_pipeline_commands_refused_total", "Commands refused by a full queue.",
          probe.commands_refused);
  counter("unipresence_pipeline_work_slices_total", "Slices of sweeps.", probe.work_slices);
  counter("unipresence_reconcile_corrections_total", "Changes that reconciles had to make.",
          probe.corrections);
  collector.AddGauge("unipresence_pipeline_command_queue_depth", "Commands that wait.", {},
                     probe.command_queue_depth);
  collector.AddGauge("unipresence_users", "Users.", {}, probe.users);
  collector.AddGauge("unipresence_sequence", "Sequence of the newest update.", {}, probe.sequence);
  collector.AddHistogram("unipresence_read_to_publish_seconds",
                         "From a read handed over to its updates sent.", {}, probe.read_to_publish,
                         1e-6);
}

void RegisterPublisher(ProbeCollector& collector, const publish::PublishProbe& probe) {
  const auto counter = [&](std::string_view metric, std::string_view help, const auto& value) {
    collector.AddCounter(metric, help, {}, Read(value));
  };
  counter("unipresence_publish_updates_total", "Published changes.", probe.updates);
  counter("unipresence_publish_encoded_total", "Of these, encoded because somebody wants them.",
          probe.updates_encoded);
  counter("unipresence_publish_stream_frames_total", "Frames sent to followers of everything.",
          probe.stream_frames);
  counter("unipresence_publish_user_frames_total", "Frames sent to followers of some users.",
          probe.user_frames);
  counter("unipresence_publish_refreshes_total", "Current values repeated.", probe.refreshes);
  counter("unipresence_publish_heartbeats_total", "Heartbeats.", probe.heartbeats);
  counter("unipresence_publish_bytes_total", "Bytes handed to ZeroMQ, once per message.",
          probe.bytes);
  counter("unipresence_publish_send_failures_total", "Messages that ZeroMQ did not take.",
          probe.send_failures);
  counter("unipresence_publish_subscriptions_total", "Subscriptions taken in.",
          probe.subscriptions);
  counter("unipresence_publish_snapshot_pages_total", "Snapshot pages sent.", probe.snapshot_pages);
  counter("unipresence_publish_bad_requests_total", "Snapshot requests answered with an error.",
          probe.bad_requests);
  collector.AddGauge("unipresence_publish_wanted_topics", "Topics that somebody follows.", {},
                     Read(probe.wanted_topics));
  collector.AddGauge("unipresence_publish_wanted_users", "Users that somebody follows by name.", {},
                     Read(probe.wanted_users));
}

void RegisterRpcs(ProbeCollector& collector, const ServiceProbe& probe) {
  for (const Method& method : AllMethods()) {
    for (std::size_t code = 0; code < ServiceProbe::kCodeCount; ++code) {
      collector.AddCounter("unipresence_rpcs_total", "Answered rpcs; a stream counts when it ends.",
                           {{"method", method.full_name}, {"code", std::to_string(code)}},
                           Read(probe.rpcs[method.index][code]));
    }
  }
}

void RegisterAccount(ProbeCollector& collector, const AccountProbe& account) {
  const auto counter = [&](std::string_view metric, std::string_view help, const auto& value) {
    collector.AddCounter(metric, help, {}, Read(value));
  };
  const auto gauge = [&](std::string_view metric, std::string_view help, const auto& value) {
    collector.AddGauge(metric, help, {}, Read(value));
  };
  counter("unipresence_logins_total", "Sessions created.", account.logins);
  counter("unipresence_bad_logins_total", "Wrong passwords and unknown usernames.",
          account.bad_logins);
  counter("unipresence_throttled_logins_total", "Log-ins told to wait.", account.throttled_logins);
  counter("unipresence_logouts_total", "Sessions ended by their users.", account.logouts);
  counter("unipresence_expired_sessions_total", "Sessions whose time-to-live has passed.",
          account.expired_sessions);
  gauge("unipresence_sessions", "Live sessions.", account.sessions);
  gauge("unipresence_logged_in_users", "Users with a live assistant session.",
        account.logged_in_users);
}

void RegisterStreams(ProbeCollector& collector, const StreamProbe& streams) {
  const auto counter = [&](std::string_view metric, std::string_view help, const auto& value) {
    collector.AddCounter(metric, help, {}, Read(value));
  };
  const auto gauge = [&](std::string_view metric, std::string_view help, const auto& value) {
    collector.AddGauge(metric, help, {}, Read(value));
  };
  gauge("unipresence_watch_streams", "Open WatchPresences streams.", streams.watch_streams);
  gauge("unipresence_hold_streams", "Open HoldSession streams.", streams.hold_streams);
  gauge("unipresence_call_streams", "Open WatchCalls streams.", streams.call_streams);
  counter("unipresence_watch_responses_total", "Responses written to watch streams.",
          streams.watch_responses);
  counter("unipresence_watch_updates_total", "Updates in these responses.", streams.watch_updates);
  counter("unipresence_watch_coalesced_total",
          "Changes that slow readers were not sent, for they were merged into others.",
          streams.watch_coalesced);
  counter("unipresence_watch_resets_total", "Streams told to start over.", streams.watch_resets);
  counter("unipresence_watch_dropped_batches_total", "Batches given up because the hub lagged.",
          streams.watch_dropped_batches);
  counter("unipresence_refused_streams_total", "Streams over a limit.", streams.refused_streams);
}

void RegisterStore(ProbeCollector& collector, const StoreProbe& store,
                   const auth::PasswordHasherProbe& hasher) {
  collector.AddCounter("unipresence_store_commands_total", "Commands the store ran.", {},
                       store.commands);
  collector.AddCounter("unipresence_store_failed_commits_total", "Transactions that failed.", {},
                       store.failed_commits);
  collector.AddCounter("unipresence_store_refused_total",
                       "Commands and reads refused by a full queue.", {}, store.refused);
  collector.AddGauge("unipresence_store_queue_depth", "Commands that wait.", {}, store.queue_depth);
  collector.AddCounter("unipresence_store_reads_total", "Reads beside the commands.", {},
                       store.reads);
  collector.AddGauge("unipresence_store_read_queue_depth", "Reads that wait.", {},
                     store.read_queue_depth);
  collector.AddHistogram("unipresence_store_commit_seconds", "One transaction.", {},
                         store.commit_micros, 1e-6);
  collector.AddCounter("unipresence_password_hashes_total", "Passwords hashed or verified.", {},
                       hasher.hashed);
  collector.AddGauge("unipresence_password_queue_depth", "Passwords that wait.", {},
                     hasher.queue_depth);
}

}  // namespace

void RegisterPbxMetrics(ProbeCollector& collector, const std::string& name, const PbxLink& link) {
  RegisterPbx(collector, name, link.ami_probe(), link.probe());
  RegisterWriter(collector, name, link.writer_probe(), link.probe());
}

void RegisterMetrics(ProbeCollector& collector, const MeasuredParts& parts) {
  collector.AddBuildInfo(UNIPRESENCE_VERSION);
  collector.AddProcess();
  collector.AddGauge("unipresence_ready", "1 while the server is ready, as /readyz says.", {},
                     [&ready = parts.readiness] { return ready.IsReady() ? 1.0 : 0.0; });
  const Pipeline& pipeline = parts.pipeline;
  for (std::size_t i = 0; i < parts.pbxs.size(); ++i) {
    RegisterPbx(collector, parts.pbxs[i], pipeline.ami_probe(i), pipeline.link_probe(i));
    RegisterWriter(collector, parts.pbxs[i], pipeline.writer_probe(i), pipeline.link_probe(i));
  }
  RegisterPipeline(collector, pipeline.probe());
  RegisterPublisher(collector, pipeline.publisher().probe());
  RegisterRpcs(collector, parts.services);
  RegisterAccount(collector, parts.services.account);
  RegisterStreams(collector, parts.services.streams);
  RegisterStore(collector, parts.store, parts.hasher);
}

}  // namespace unipresence
