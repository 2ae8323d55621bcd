#ifndef UNIPRESENCE_SERVER_SERVICE_METHOD_H_
#define UNIPRESENCE_SERVER_SERVICE_METHOD_H_

// Every rpc of the API as its descriptor has it: its name, and who may call it (its option
// `access`, access.proto). A handler names its rpc by the request that it takes:
//
//   MethodOf<v1::GetPresenceRequest>().full_name  // "unipresence.v1.PresenceService/GetPresence"
//
// Who is told or may change what within a call that he may make (sessions of his own user,
// directory fields of colleagues) is said in the service itself.
//
// Read from the descriptors once, at the first use. Thread-safe.

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "unipresence/v1/access.pb.h"

namespace unipresence {

struct Method {
  const google::protobuf::MethodDescriptor* descriptor;
  std::string full_name;  // with its service; the path of the call without the first slash
  v1::Access access;
  std::size_t index;  // in AllMethods()
};

// The rpcs of these files, in their order. FAILED_PRECONDITION names an rpc that does not say who
// may call it, or that has not a request of its own.
absl::StatusOr<std::vector<Method>> ReadMethods(
    std::span<const google::protobuf::FileDescriptor* const> files);

// Those of every service that the server has. A refusal of ReadMethods is a defect of a .proto
// file: it is printed, and the process aborts, before it listens.
std::span<const Method> AllMethods();

// The rpc of AllMethods that takes this request; aborts if there is none.
const Method& MethodTaking(const google::protobuf::Descriptor& request);

// The same, found once and not for each call.
template <typename Request>
const Method& MethodOf() {
  static const Method& method = MethodTaking(*Request::descriptor());
  return method;
}

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_METHOD_H_
