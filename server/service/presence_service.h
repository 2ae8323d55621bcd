#ifndef UNIPRESENCE_SERVER_SERVICE_PRESENCE_SERVICE_H_
#define UNIPRESENCE_SERVER_SERVICE_PRESENCE_SERVICE_H_

// unipresence.v1.PresenceService: reading presences, and why they are what they are. WatchPresences
// is the hub's (watch_hub.h); it is registered raw, so that encoded updates are not decoded here
// again.
//
// Reads of many users are cut into slices of about 0.1 ms, between which the pipeline goes on.

#include <cstddef>

#include "server/service/call.h"
#include "server/streaming/watch_hub.h"
#include "unipresence/v1/presence.grpc.pb.h"

namespace unipresence {

using PresenceServiceBase = v1::PresenceService::WithCallbackMethod_GetPresence<
    v1::PresenceService::WithCallbackMethod_BatchGetPresences<
        v1::PresenceService::WithCallbackMethod_ListPresences<
            v1::PresenceService::WithRawCallbackMethod_WatchPresences<
                v1::PresenceService::WithCallbackMethod_ExplainPresence<
                    v1::PresenceService::Service>>>>>;

class PresenceService final : public ServiceBase<PresenceServiceBase> {
 public:
  // A stream may name `max_watched_users`.
  PresenceService(const ServiceContext& shared, WatchHub& hub, std::size_t max_watched_users)
      : shared_(shared), hub_(hub), max_watched_users_(max_watched_users) {
    Handle(shared, &PresenceService::GetPresence, &PresenceService::BatchGetPresences,
           &PresenceService::ListPresences, &PresenceService::ExplainPresence);
  }

  grpc::ServerUnaryReactor* GetPresence(grpc::CallbackServerContext* context,
                                        const v1::GetPresenceRequest* request,
                                        v1::Presence* response) override;
  grpc::ServerUnaryReactor* BatchGetPresences(grpc::CallbackServerContext* context,
                                              const v1::BatchGetPresencesRequest* request,
                                              v1::BatchGetPresencesResponse* response) override;
  grpc::ServerUnaryReactor* ListPresences(grpc::CallbackServerContext* context,
                                          const v1::ListPresencesRequest* request,
                                          v1::ListPresencesResponse* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchPresences(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ExplainPresence(grpc::CallbackServerContext* context,
                                            const v1::ExplainPresenceRequest* request,
                                            v1::ExplainPresenceResponse* response) override;

 private:
  const ServiceContext& shared_;
  WatchHub& hub_;
  const std::size_t max_watched_users_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_PRESENCE_SERVICE_H_
