#include "server/service/method.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "unipresence/v1/administration.pb.h"
#include "unipresence/v1/call_control.pb.h"
#include "unipresence/v1/device_selection.pb.h"
#include "unipresence/v1/forwarding.pb.h"
#include "unipresence/v1/history.pb.h"
#include "unipresence/v1/presence.pb.h"
#include "unipresence/v1/provisioning.pb.h"
#include "unipresence/v1/session.pb.h"
#include "unipresence/v1/voicemail.pb.h"

namespace unipresence {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

[[noreturn]] void Die(std::string_view what) {
  fmt::print(stderr, "{}\n", what);
  std::abort();
}

// The files of the services, each by one of its requests.
std::array<const FileDescriptor*, 9> ServiceFiles() {
  return {v1::GetPresenceRequest::descriptor()->file(),
          v1::GetSessionRequest::descriptor()->file(),
          v1::GetDeviceSelectionRequest::descriptor()->file(),
          v1::GetUserRequest::descriptor()->file(),
          v1::GetServerStatusRequest::descriptor()->file(),
          v1::GetForwardingRequest::descriptor()->file(),
          v1::GetMailboxRequest::descriptor()->file(),
          v1::ListCallsRequest::descriptor()->file(),
          v1::GetCallRecordRequest::descriptor()->file()};
}

const Method* Taking(std::span<const Method> methods, const Descriptor& request) {
  const auto it = std::find_if(methods.begin(), methods.end(), [&](const Method& method) {
    return method.descriptor->input_type() == &request;
  });
  return it == methods.end() ? nullptr : &*it;
}

absl::StatusOr<Method> ReadMethod(const MethodDescriptor& descriptor,
                                  std::span<const Method> before) {
  const v1::Access access = descriptor.options().GetExtension(v1::access);
  if (access == v1::ACCESS_UNSPECIFIED) {
    return absl::FailedPreconditionError(
        fmt::format("the rpc '{}' does not say who may call it; give it an `option (access)` "
                    "(access.proto)",
                    descriptor.full_name()));
  }
  if (const Method* other = Taking(before, *descriptor.input_type())) {
    return absl::FailedPreconditionError(
        fmt::format("the rpc '{}' takes the request of '{}'; give it one of its own",
                    descriptor.full_name(), other->full_name));
  }
  return Method{.descriptor = &descriptor,
                .full_name = descriptor.service()->full_name() + "/" + descriptor.name(),
                .access = access,
                .index = before.size()};
}

std::vector<Method> ReadAll() {
  absl::StatusOr<std::vector<Method>> methods = ReadMethods(ServiceFiles());
  if (!methods.ok()) Die(std::string(methods.status().message()));
  return *std::move(methods);
}

}  // namespace

absl::StatusOr<std::vector<Method>> ReadMethods(std::span<const FileDescriptor* const> files) {
  std::vector<Method> methods;
  for (const FileDescriptor* file : files) {
    for (int s = 0; s < file->service_count(); ++s) {
      const ServiceDescriptor& service = *file->service(s);
      for (int m = 0; m < service.method_count(); ++m) {
        absl::StatusOr<Method> method = ReadMethod(*service.method(m), methods);
        if (!method.ok()) return method.status();
        methods.push_back(*std::move(method));
      }
    }
  }
  return methods;
}

std::span<const Method> AllMethods() {
  static const std::vector<Method> methods = ReadAll();
  return methods;
}

const Method& MethodTaking(const Descriptor& request) {
  const Method* method = Taking(AllMethods(), request);
  if (method == nullptr) {
    Die(fmt::format("no service of method.cc has an rpc that takes '{}'", request.full_name()));
  }
  return *method;
}

}  // namespace unipresence
