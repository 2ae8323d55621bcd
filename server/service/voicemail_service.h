#ifndef UNIPRESENCE_SERVER_SERVICE_VOICEMAIL_SERVICE_H_
#define UNIPRESENCE_SERVER_SERVICE_VOICEMAIL_SERVICE_H_

// unipresence.v1.VoicemailService: how many messages wait for a user, as the pipeline knows it.

#include "server/service/call.h"
#include "unipresence/v1/voicemail.grpc.pb.h"

namespace unipresence {

class VoicemailService final : public ServiceBase<v1::VoicemailService::CallbackService> {
 public:
  explicit VoicemailService(const ServiceContext& shared) : shared_(shared) {
    Handle(shared, &VoicemailService::GetMailbox);
  }

  grpc::ServerUnaryReactor* GetMailbox(grpc::CallbackServerContext* context,
                                       const v1::GetMailboxRequest* request,
                                       v1::Mailbox* response) override;

 private:
  const ServiceContext& shared_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_VOICEMAIL_SERVICE_H_
