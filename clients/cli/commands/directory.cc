#include "clients/cli/commands/directory.h"

#include "clients/cli/commands/pages.h"
#include "unipresence/v1/provisioning.grpc.pb.h"

namespace unipresence::cli {
namespace {

using Stub = v1::ProvisioningService::Stub;

Person ToPerson(const v1::User& user) {
  return {.name = user.display_name(), .number = user.exten()};
}

}  // namespace

void Directory::ReadAll() {
  ForEachPage(context_, &Stub::ListUsers, v1::ListUsersRequest(),
              [&](const v1::ListUsersResponse& page) {
                for (const v1::User& user : page.users()) people_[user.id()] = ToPerson(user);
              })
      .IgnoreError();
}

const Person& Directory::Find(const std::string& user) {
  const auto [known, is_new] = people_.try_emplace(user);
  if (!is_new) return known->second;
  v1::GetUserRequest request;
  request.set_user(user);
  // What fails now is not tried again for each row.
  if (const auto found = context_.Call(&Stub::GetUser, request); found.ok()) {
    known->second = ToPerson(*found);
  }
  return known->second;
}

}  // namespace unipresence::cli
