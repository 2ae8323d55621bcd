#ifndef UNIPRESENCE_SERVER_SERVICE_SESSION_SERVICE_H_
#define UNIPRESENCE_SERVER_SERVICE_SESSION_SERVICE_H_

// unipresence.v1.SessionService. Logging in is login.h; everything else is the keeper's.

#include "server/account/login.h"
#include "server/service/call.h"
#include "server/streaming/hold_streams.h"
#include "unipresence/v1/session.grpc.pb.h"

namespace unipresence {

class SessionService final : public ServiceBase<v1::SessionService::CallbackService> {
 public:
  SessionService(const ServiceContext& shared, LoginFlow& login, HoldStreams& hold_streams)
      : shared_(shared), login_(login), hold_streams_(hold_streams) {
    Handle(shared, &SessionService::CreateSession, &SessionService::GetSession,
           &SessionService::ListSessions, &SessionService::KeepSessionAlive,
           &SessionService::DeleteSession);
  }

  grpc::ServerUnaryReactor* CreateSession(grpc::CallbackServerContext* context,
                                          const v1::CreateSessionRequest* request,
                                          v1::CreateSessionResponse* response) override;
  grpc::ServerUnaryReactor* GetSession(grpc::CallbackServerContext* context,
                                       const v1::GetSessionRequest* request,
                                       v1::Session* response) override;
  grpc::ServerUnaryReactor* ListSessions(grpc::CallbackServerContext* context,
                                         const v1::ListSessionsRequest* request,
                                         v1::ListSessionsResponse* response) override;
  grpc::ServerUnaryReactor* KeepSessionAlive(grpc::CallbackServerContext* context,
                                             const v1::KeepSessionAliveRequest* request,
                                             v1::Session* response) override;
  HoldStreams::ServerReactor* HoldSession(grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* DeleteSession(grpc::CallbackServerContext* context,
                                          const v1::DeleteSessionRequest* request,
                                          google::protobuf::Empty* response) override;

 private:
  const ServiceContext& shared_;
  LoginFlow& login_;
  HoldStreams& hold_streams_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_SESSION_SERVICE_H_
