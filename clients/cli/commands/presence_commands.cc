// get presence, list, explain.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/commands/directory.h"
#include "clients/cli/commands/pages.h"
#include "clients/cli/commands/results.h"
#include "clients/cli/format_explanation.h"
#include "clients/cli/format_json.h"
#include "clients/cli/format_presence.h"
#include "unipresence/v1/call_control.grpc.pb.h"
#include "unipresence/v1/presence.grpc.pb.h"

namespace unipresence::cli {
namespace {

using Stub = v1::PresenceService::Stub;

// The ids that a USER_NOT_FOUND of a batch names.
std::set<std::string> MissingUsers(const absl::Status& status) {
  const v1::ErrorDetail detail = client::DetailOf(status);
  std::set<std::string> missing;
  if (detail.reason() != v1::ERROR_REASON_USER_NOT_FOUND) return missing;
  for (const char* key : {"users", "user"}) {
    const auto it = detail.metadata().find(key);
    if (it == detail.metadata().end()) continue;
    std::string_view rest = it->second;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      missing.emplace(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return missing;
}

// A NOT_FOUND as the server told it, but with the names in its sentence.
absl::Status NoSuchUsers(const absl::Status& told, const std::set<std::string>& missing) {
  const std::string message = fmt::format("there is no user '{}'", fmt::join(missing, "', nor '"));
  absl::Status status(told.code(), ToAbsl(message));
  told.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { status.SetPayload(url, payload); });
  return status;
}

// Writes those of `users` that exist, at most as many as a batch may have. NOT_FOUND names the
// others.
absl::Status GetBatch(std::span<const std::string> users, CommandContext& context,
                      Results<v1::Presence>& results) {
  v1::BatchGetPresencesRequest request;
  request.mutable_users()->Add(users.begin(), users.end());
  std::set<std::string> missing;
  absl::Status not_found;
  while (!request.users().empty()) {
    const auto response = context.Call(&Stub::BatchGetPresences, request);
    if (response.ok()) {
      for (const v1::Presence& presence : response->presences()) results.Write(presence);
      break;
    }
    // The server may not name all of them at once: drop those it names and repeat.
    missing.merge(MissingUsers(response.status()));
    const int before = request.users_size();
    request.clear_users();
    for (const std::string& user : users) {
      if (!missing.contains(user)) request.add_users(user);
    }
    if (request.users_size() == before) return response.status();
    not_found.Update(response.status());
  }
  return not_found.ok() ? not_found : NoSuchUsers(not_found, missing);
}

Results<v1::Presence> PresenceResults(CommandContext& context, Directory& directory) {
  return {context, PresenceColumns(),
          [&directory](const v1::Presence& presence) {
            return PresenceRow(presence, directory.Find(presence.user()));
          },
          &PresenceJson};
}

// The live calls of a user, with the names of the directory where Asterisk presented none. None if
// the caller may not see them.
std::vector<v1::Call> CallsOf(const std::string& user, CommandContext& context,
                              Directory& directory) {
  v1::ListCallsRequest request;
  request.set_user(user);
  std::vector<v1::Call> calls;
  ForEachPage(context, &v1::CallControlService::Stub::ListCalls, request,
              [&](const v1::ListCallsResponse& page) {
                calls.insert(calls.end(), page.calls().begin(), page.calls().end());
              })
      .IgnoreError();
  for (v1::Call& call : calls) {
    v1::CallParty& party = *call.mutable_other_party();
    if (party.name().empty() && !party.user().empty()) {
      party.set_name(directory.Find(party.user()).name);
    }
  }
  return calls;
}

absl::Status GetOne(const std::string& user, CommandContext& context,
                    Results<v1::Presence>& results) {
  v1::GetPresenceRequest request;
  request.set_user(user);
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::Presence presence,
                               context.Call(&Stub::GetPresence, request));
  results.Write(presence);
  return absl::OkStatus();
}

}  // namespace

absl::Status RunCommand(const GetPresenceOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  Directory directory(context);
  Results<v1::Presence> results = PresenceResults(context, directory);
  if (options.users.size() <= 1) {
    return GetOne(options.users.empty() ? "" : options.users.front(), context, results);
  }
  absl::Status first_missing;
  std::span<const std::string> rest = options.users;
  while (!rest.empty()) {
    const std::size_t size = std::min<std::size_t>(rest.size(), kPageSize);
    const absl::Status status = GetBatch(rest.first(size), context, results);
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    // The status returned is told by the caller.
    if (!first_missing.ok() && !status.ok()) context.Report(status);
    first_missing.Update(status);
    rest = rest.subspan(size);
  }
  return first_missing;
}

absl::Status RunCommand(const ListOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  v1::ListPresencesRequest request;
  for (const v1::PresenceState state : options.states) request.add_states(state);
  Directory directory(context);
  if (!context.json()) directory.ReadAll();
  Results<v1::Presence> results = PresenceResults(context, directory);
  bool is_first = true;
  UNIPRESENCE_RETURN_IF_ERROR(ForEachPage(
      context, &Stub::ListPresences, request, [&](const v1::ListPresencesResponse& page) {
        std::vector<v1::Presence> presences(page.presences().begin(), page.presences().end());
        // The server knows no order. What fits into one page is easier to read in one.
        if (is_first && page.next_page_token().empty()) {
          std::sort(
              presences.begin(), presences.end(),
              [](const v1::Presence& a, const v1::Presence& b) { return a.user() < b.user(); });
        }
        is_first = false;
        for (const v1::Presence& presence : presences) results.Write(presence);
      }));
  results.Finish();
  return absl::OkStatus();
}

absl::Status RunCommand(const ExplainOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  v1::ExplainPresenceRequest request;
  request.set_user(options.user);
  // Since when the state lasts is told by more causes than are shown.
  if (context.json()) request.set_cause_limit(options.causes);
  UNIPRESENCE_ASSIGN_OR_RETURN(v1::ExplainPresenceResponse explanation,
                               context.Call(&Stub::ExplainPresence, request));
  if (context.json()) {
    context.out().Line(ExplanationJson(explanation));
    return absl::OkStatus();
  }
  Directory directory(context);
  const std::string user = explanation.presence().user();
  WriteExplanation({.explanation = std::move(explanation),
                    .calls = CallsOf(user, context, directory),
                    .person = directory.Find(user),
                    .causes = options.causes},
                   context.times(), context.out());
  return absl::OkStatus();
}

}  // namespace unipresence::cli
