#ifndef UNIPRESENCE_CLIENTS_CLI_COMMANDS_PAGES_H_
#define UNIPRESENCE_CLIENTS_CLI_COMMANDS_PAGES_H_

// Reads a list to its end, page by page.
//
//   UNIPRESENCE_RETURN_IF_ERROR(ForEachPage(
//       context, &v1::AdministrationService::Stub::ListPbxs, v1::ListPbxsRequest(),
//       [&](const v1::ListPbxsResponse& page) { ... }));

#include <utility>

#include "absl/status/status.h"
#include "aggregator/base/status_macros.h"
#include "clients/cli/command_context.h"

namespace unipresence::cli {

// The largest page that the API gives.
inline constexpr int kPageSize = 1'000;

// Stops early when nobody reads the output any more.
template <typename Stub, typename Request, typename Response, typename Use>
absl::Status ForEachPage(CommandContext& context,
                         grpc::Status (Stub::*rpc)(grpc::ClientContext*, const Request&, Response*),
                         Request request, Use use) {
  request.set_page_size(kPageSize);
  do {
    UNIPRESENCE_ASSIGN_OR_RETURN(const Response page, context.Call(rpc, request));
    request.set_page_token(page.next_page_token());
    use(page);
  } while (!request.page_token().empty() && !context.out().closed());
  return absl::OkStatus();
}

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_COMMANDS_PAGES_H_
