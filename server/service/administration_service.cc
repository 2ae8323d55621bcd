#include "server/service/administration_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "aggregator/base/strings.h"
#include "server/service/convert.h"
#include "server/service/page.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

// Users may name PBXs that the configuration does not have; those have no address.
bool IsConfigured(const PbxStatus& pbx) { return !pbx.address.empty(); }

void FillPbx(const PbxTable& pbxs, std::size_t index, const UserCounter::Result& counts,
             v1::Pbx& out) {
  const PbxStatus& pbx = pbxs[index];
  if (index < counts.by_pbx.size()) {
    out.set_user_count(counts.by_pbx[index].users);
    out.set_stale_user_count(counts.by_pbx[index].stale);
  }

  out.set_name(pbx.name);
  out.set_address(pbx.address);
  const PbxLinkFacts& facts = pbx.facts;
  const bool down = pbx.link == LinkState::kDown;
  out.set_link_state(down ? ToProto(facts.phase) : ToProto(pbx.link));
  SetTime(down ? std::max(pbx.link_since, facts.phase_since) : pbx.link_since,
          *out.mutable_link_state_time());
  out.set_asterisk_version(pbx.version);
  if (pbx.last_resync_time != 0) {
    SetTime(pbx.last_resync_time, *out.mutable_resync_time());
    SetDuration(pbx.last_resync_duration, *out.mutable_resync_duration());
  }
  out.set_resync_count(pbx.resyncs);
  out.set_disconnect_count(pbx.reconnects);
  out.set_correction_count(pbx.corrections);
  out.set_rewrite_count(pbx.rewrites);
  if (pbx.last_reconcile_time != 0) {
    SetTime(pbx.last_reconcile_time, *out.mutable_reconcile_time());
  }
  out.set_last_error(pbx.last_error);
  const PbxTable::UnlistedDevices unlisted = pbxs.Unlisted(static_cast<PbxIndex>(index));
  out.mutable_unlisted_devices()->Add(unlisted.names.begin(), unlisted.names.end());
  out.set_unlisted_device_count(unlisted.count);
  if (facts.last_error_time != 0) SetTime(facts.last_error_time, *out.mutable_last_error_time());
  out.set_tls(facts.tls);
  out.set_message_count(facts.messages);
  out.set_skipped_message_count(facts.skipped_messages);
  for (const std::string& error : facts.list_errors) out.add_list_errors(error);
  if (facts.write_unanswered_since != 0) {
    SetTime(facts.write_unanswered_since, *out.mutable_write_unanswered_time());
  }
}

// The page behind the PBX named `after`.
void FillPbxs(const PbxTable& pbxs, std::string_view after, std::size_t size,
              const UserCounter::Result& counts, std::string_view parameters,
              v1::ListPbxsResponse& out) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < pbxs.size(); ++i) {
    if (IsConfigured(pbxs[i]) && pbxs[i].name > after) order.push_back(i);
  }
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return pbxs[a].name < pbxs[b].name; });
  const bool more = order.size() > size;
  if (more) order.resize(size);
  for (const std::size_t i : order) FillPbx(pbxs, i, counts, *out.add_pbxs());
  if (more) {
    out.set_next_page_token(
        MakePageToken(MethodOf<v1::ListPbxsRequest>(), parameters, pbxs[order.back()].name));
  }
}

// The status of PbxControl with its reason.
absl::Status ReconcileFailure(const absl::Status& status, const std::string& pbx) {
  const std::string_view why = FromAbsl(status.message());
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return Failure(v1::ERROR_REASON_PBX_NOT_FOUND, why, {{"pbx", pbx}});
    case absl::StatusCode::kResourceExhausted:
      return Failure(v1::ERROR_REASON_SERVER_OVERLOADED, why, {{"pbx", pbx}});
    default:
      return Failure(v1::ERROR_REASON_PBX_UNAVAILABLE, why, {{"pbx", pbx}});
  }
}

}  // namespace

AdministrationService::AdministrationService(const ServiceContext& shared, std::string version,
                                             const HealthFlags& readiness,
                                             const publish::PublishProbe& publish_probe)
    : shared_(shared),
      version_(std::move(version)),
      readiness_(readiness),
      publish_probe_(publish_probe),
      counter_(shared.executor),
      start_(shared.clock.Now()),
      start_time_(shared.clock.WallNow()) {
  Handle(shared, &AdministrationService::GetServerStatus, &AdministrationService::GetPbx,
         &AdministrationService::ListPbxs, &AdministrationService::ReconcilePbx);
}

void AdministrationService::FillStatus(const Core& core, std::uint64_t stale_users,
                                       v1::ServerStatus& out) const {
  out.set_version(version_);
  out.set_epoch(core.presences.epoch());
  out.set_sequence(core.presences.sequence());
  SetTime(start_time_, *out.mutable_start_time());
  SetDuration(core.clock.Now() - start_, *out.mutable_uptime());
  out.set_user_count(core.presences.user_count());
  out.set_stale_user_count(stale_users);
  out.set_logged_in_user_count(shared_.sessions.logged_in_users());
  out.set_session_count(shared_.sessions.size());
  out.set_watch_stream_count(
      static_cast<std::uint64_t>(shared_.probe.streams.watch_streams.value()));
  out.set_zeromq_topic_count(static_cast<std::uint64_t>(publish_probe_.wanted_topics.value()));
  for (const PbxStatus& pbx : core.pbxs) {
    if (!IsConfigured(pbx)) continue;
    out.set_pbx_count(out.pbx_count() + 1);
    if (pbx.link == LinkState::kSynced) out.set_ready_pbx_count(out.ready_pbx_count() + 1);
  }
  out.set_store_writable(readiness_.store_writable.load());
  out.set_ready(readiness_.ready.load());
}

grpc::ServerUnaryReactor* AdministrationService::GetServerStatus(
    grpc::CallbackServerContext* context, const v1::GetServerStatusRequest* request,
    v1::ServerStatus* response) {
  using Call = UnaryCall<v1::GetServerStatusRequest, v1::ServerStatus>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    counter_.Count(call.core, [this, reply = std::move(call.reply)](
                                  Core& core, const UserCounter::Result& counts) mutable {
      FillStatus(core, counts.stale, reply.response());
      std::move(reply).Ok();
    });
  });
}

grpc::ServerUnaryReactor* AdministrationService::GetPbx(grpc::CallbackServerContext* context,
                                                        const v1::GetPbxRequest* request,
                                                        v1::Pbx* response) {
  using Call = UnaryCall<v1::GetPbxRequest, v1::Pbx>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const std::string& name = call.request.pbx();
    const PbxTable& pbxs = call.core.pbxs;
    const auto pbx = std::find_if(pbxs.begin(), pbxs.end(), [&](const PbxStatus& candidate) {
      return IsConfigured(candidate) && candidate.name == name;
    });
    if (pbx == pbxs.end()) {
      return std::move(call.reply)
          .Fail(Failure(v1::ERROR_REASON_PBX_NOT_FOUND,
                        fmt::format("the configuration has no PBX '{}'", name), {{"pbx", name}}));
    }
    const auto index = static_cast<std::size_t>(pbx - pbxs.begin());
    counter_.Count(call.core, [index, reply = std::move(call.reply)](
                                  Core& core, const UserCounter::Result& counts) mutable {
      FillPbx(core.pbxs, index, counts, reply.response());
      std::move(reply).Ok();
    });
  });
}

grpc::ServerUnaryReactor* AdministrationService::ListPbxs(grpc::CallbackServerContext* context,
                                                          const v1::ListPbxsRequest* request,
                                                          v1::ListPbxsResponse* response) {
  using Call = UnaryCall<v1::ListPbxsRequest, v1::ListPbxsResponse>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const absl::StatusOr<std::size_t> size = PageSize(call.request.page_size());
    if (!size.ok()) return std::move(call.reply).Fail(size.status());
    const std::string parameters = ParametersOf(call.request);
    const absl::StatusOr<std::string> after =
        ParsePageToken(MethodOf<v1::ListPbxsRequest>(), parameters, call.request.page_token());
    if (!after.ok()) return std::move(call.reply).Fail(after.status());
    counter_.Count(call.core,
                   [size = *size, after = *after, parameters, reply = std::move(call.reply)](
                       Core& core, const UserCounter::Result& counts) mutable {
                     FillPbxs(core.pbxs, after, size, counts, parameters, reply.response());
                     std::move(reply).Ok();
                   });
  });
}

grpc::ServerUnaryReactor* AdministrationService::ReconcilePbx(
    grpc::CallbackServerContext* context, const v1::ReconcilePbxRequest* request,
    v1::ReconcilePbxResponse* response) {
  using Call = UnaryCall<v1::ReconcilePbxRequest, v1::ReconcilePbxResponse>;
  return RunUnary(shared_, context, request, response, [](Call call) {
    const std::string& name = call.request.pbx();
    call.core.pbx_control->Reconcile(
        name, [name, reply = std::move(call.reply)](
                  const absl::StatusOr<ReconcileReport>& report) mutable {
          if (!report.ok()) return std::move(reply).Fail(ReconcileFailure(report.status(), name));
          v1::ReconcilePbxResponse& out = reply.response();
          out.set_correction_count(report->corrections);
          out.set_rewrite_count(report->rewrites);
          SetDuration(report->duration, *out.mutable_duration());
          for (const std::string& user : report->corrected_users) out.add_corrected_users(user);
          std::move(reply).Ok();
        });
  });
}

}  // namespace unipresence
