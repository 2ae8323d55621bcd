#ifndef UNIPRESENCE_SERVER_SERVICE_PROVISIONING_SERVICE_H_
#define UNIPRESENCE_SERVER_SERVICE_PROVISIONING_SERVICE_H_

// unipresence.v1.ProvisioningService: users, one at a time (user_commands.h), and the configuration
// that Asterisk needs for them (asterisk_configuration.h). CSV files are not offered.

#include "server/account/asterisk_configuration.h"
#include "server/account/user_commands.h"
#include "server/auth/password_hasher.h"
#include "server/service/call.h"
#include "unipresence/v1/provisioning.grpc.pb.h"

namespace unipresence {

class ProvisioningService final : public ServiceBase<v1::ProvisioningService::CallbackService> {
 public:
  ProvisioningService(const ServiceContext& shared, auth::PasswordHasher& hasher,
                      UserCommands& users, AsteriskConfiguration& configuration)
      : shared_(shared), hasher_(hasher), users_(users), configuration_(configuration) {
    Handle(shared, &ProvisioningService::GetUser, &ProvisioningService::ListUsers,
           &ProvisioningService::CreateUser, &ProvisioningService::UpdateUser,
           &ProvisioningService::DeleteUser, &ProvisioningService::ExportUsers,
           &ProvisioningService::RenderAsteriskConfiguration,
           &ProvisioningService::ApplyAsteriskConfiguration);
  }

  grpc::ServerUnaryReactor* GetUser(grpc::CallbackServerContext* context,
                                    const v1::GetUserRequest* request, v1::User* response) override;
  grpc::ServerUnaryReactor* ListUsers(grpc::CallbackServerContext* context,
                                      const v1::ListUsersRequest* request,
                                      v1::ListUsersResponse* response) override;
  grpc::ServerUnaryReactor* CreateUser(grpc::CallbackServerContext* context,
                                       const v1::CreateUserRequest* request,
                                       v1::User* response) override;
  grpc::ServerUnaryReactor* UpdateUser(grpc::CallbackServerContext* context,
                                       const v1::UpdateUserRequest* request,
                                       v1::User* response) override;
  grpc::ServerUnaryReactor* DeleteUser(grpc::CallbackServerContext* context,
                                       const v1::DeleteUserRequest* request,
                                       google::protobuf::Empty* response) override;
  grpc::ServerReadReactor<v1::ImportUsersRequest>* ImportUsers(
      grpc::CallbackServerContext* context, v1::ImportUsersResponse* response) override;
  grpc::ServerWriteReactor<v1::ExportUsersResponse>* ExportUsers(
      grpc::CallbackServerContext* context, const v1::ExportUsersRequest* request) override;
  grpc::ServerWriteReactor<v1::RenderAsteriskConfigurationResponse>* RenderAsteriskConfiguration(
      grpc::CallbackServerContext* context,
      const v1::RenderAsteriskConfigurationRequest* request) override;
  grpc::ServerUnaryReactor* ApplyAsteriskConfiguration(
      grpc::CallbackServerContext* context, const v1::ApplyAsteriskConfigurationRequest* request,
      v1::ApplyAsteriskConfigurationResponse* response) override;

 private:
  // Calls `then(hash)`; an empty password gives an empty hash at once. Fails `reply` otherwise.
  template <typename Then>
  void WithHash(const std::string& password, Reply<v1::User> reply, Then then);

  const ServiceContext& shared_;
  auth::PasswordHasher& hasher_;
  UserCommands& users_;
  AsteriskConfiguration& configuration_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_PROVISIONING_SERVICE_H_
