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
  has_all_ = true;
  const MonotonicTime now = clock_.Now();
  ForEachPage(context_, &Stub::ListUsers, v1::ListUsersRequest(),
              [&](const v1::ListUsersResponse& page) {
                for (const v1::User& user : page.users()) {
                  people_[user.id()] = ToPerson(user);
                  read_[user.id()] = now;
                }
              })
      .IgnoreError();
}

void Directory::Renew() {
  ForgetAll();
  if (has_all_) ReadAll();
}

const Person& Directory::Find(const std::string& user, Duration fresh) {
  Person& person = people_[user];
  const MonotonicTime now = clock_.Now();
  const auto [read, is_new] = read_.try_emplace(user, now);
  if (!is_new && now - read->second < fresh) return person;
  read->second = now;
  v1::GetUserRequest request;
  request.set_user(user);
  // What fails now is not tried again for each row.
  if (const auto found = context_.Call(&Stub::GetUser, request); found.ok()) {
    person = ToPerson(*found);
  }
  return person;
}

}  // namespace unipresence::cli
