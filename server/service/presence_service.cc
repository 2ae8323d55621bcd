#include "server/service/presence_service.h"

#include <fmt/format.h>
#include <grpcpp/impl/codegen/proto_utils.h>  // SerializationTraits of messages

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/valid_text.h"
#include "aggregator/publish/codec.h"
#include "server/account/failure.h"
#include "server/service/explain.h"
#include "server/service/page.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

// Users that one command on the pipeline reads into messages.
constexpr std::size_t kSlice = 100;
constexpr int kMaxBatch = 1000;
// Users that one page looks at, when a filter passes few of them.
constexpr std::size_t kMaxScan = 10'000;
// Ids named in an error: trailers of more than 8 KiB do not reach the client.
constexpr std::size_t kMaxNamedBytes = 2000;

// BatchGetPresences, a slice at a time.
class Batch {
 public:
  using Call = UnaryCall<v1::BatchGetPresencesRequest, v1::BatchGetPresencesResponse>;

  Batch(const ServiceContext& shared, Call call)
      : shared_(shared), request_(call.request), reply_(std::move(call.reply)) {}

  static void Run(std::unique_ptr<Batch> batch, Core& core) {
    if (!batch->Slice(core)) return batch->Finish();
    const ServiceContext& shared = batch->shared_;
    shared.executor.Post(
        [batch = std::move(batch)](Core& later) mutable { Run(std::move(batch), later); });
  }

 private:
  bool Slice(Core& core) {
    const int end = std::min(next_ + static_cast<int>(kSlice), request_.users_size());
    for (; next_ < end; ++next_) {
      const std::string& user = request_.users(next_);
      const bool found = core.presences.Read(user, [&](const PresenceSource::Entry& entry) {
        if (unknown_.empty()) {
          publish::ToProto(entry.presence, *reply_.response().add_presences());
        }
      });
      if (!found) unknown_.insert(user);
    }
    return next_ < request_.users_size();
  }

  void Finish() {
    if (unknown_.empty()) return std::move(reply_).Ok();
    std::string named;
    for (const std::string& user : unknown_) {
      if (named.size() + user.size() > kMaxNamedBytes) break;
      named += named.empty() ? user : "," + user;
    }
    std::move(reply_).Fail(Failure(
        v1::ERROR_REASON_USER_NOT_FOUND,
        fmt::format("there are no users of {} of the ids; drop them and repeat", unknown_.size()),
        {{"users", named}}));
  }

  const ServiceContext& shared_;
  const v1::BatchGetPresencesRequest& request_;
  Reply<v1::BatchGetPresencesResponse> reply_;
  int next_ = 0;
  std::set<std::string> unknown_;
};

// ListPresences, a slice at a time. The place of a page is the engine's cursor, within its epoch.
class Listing {
 public:
  using Call = UnaryCall<v1::ListPresencesRequest, v1::ListPresencesResponse>;

  Listing(const ServiceContext& shared, Call& call)
      : shared_(shared), request_(call.request), reply_(std::move(call.reply)) {}

  static void Start(std::unique_ptr<Listing> listing, Core& core) {
    if (absl::Status status = listing->Prepare(core); !status.ok()) {
      return std::move(listing->reply_).Fail(status);
    }
    Run(std::move(listing), core);
  }

 private:
  static void Run(std::unique_ptr<Listing> listing, Core& core) {
    if (!listing->Slice(core)) return listing->Finish(core);
    const ServiceContext& shared = listing->shared_;
    shared.executor.Post(
        [listing = std::move(listing)](Core& later) mutable { Run(std::move(listing), later); });
  }

  absl::Status Prepare(const Core& core) {
    UNIPRESENCE_ASSIGN_OR_RETURN(size_, PageSize(request_.page_size()));
    parameters_ = ParametersOf(request_);
    UNIPRESENCE_ASSIGN_OR_RETURN(
        const std::string place,
        ParsePageToken(MethodOf<v1::ListPresencesRequest>(), parameters_, request_.page_token()));
    for (const int state : request_.states()) {
      if (!publish::FromProto(static_cast<v1::PresenceState>(state))) {
        return FieldInvalid("states", std::to_string(state), "the values of PresenceState");
      }
    }
    if (place.empty()) return absl::OkStatus();
    std::uint64_t epoch = 0;
    if (place.size() != sizeof(epoch) + sizeof(cursor_)) return PageTokenInvalid();
    std::memcpy(&epoch, place.data(), sizeof(epoch));
    std::memcpy(&cursor_, place.data() + sizeof(epoch), sizeof(cursor_));
    return epoch == core.presences.epoch() && cursor_ != 0 ? absl::OkStatus() : PageTokenInvalid();
  }

  bool Wanted(const Presence& presence) const {
    return request_.states().empty() ||
           std::find(request_.states().begin(), request_.states().end(),
                     publish::ToProto(presence.state)) != request_.states().end();
  }

  bool Slice(Core& core) {
    auto& presences = *reply_.response().mutable_presences();
    const std::size_t left = size_ - static_cast<std::size_t>(presences.size());
    const std::size_t limit = std::min(left, kSlice);
    cursor_ = core.presences.Read(cursor_, limit, [&](const PresenceSource::Entry& entry) {
      if (Wanted(entry.presence)) publish::ToProto(entry.presence, *presences.Add());
    });
    scanned_ += limit;
    return cursor_ != 0 && static_cast<std::size_t>(presences.size()) < size_ &&
           scanned_ < kMaxScan;
  }

  void Finish(const Core& core) {
    if (cursor_ != 0) {
      const std::uint64_t epoch = core.presences.epoch();
      std::string place(sizeof(epoch) + sizeof(cursor_), '\0');
      std::memcpy(place.data(), &epoch, sizeof(epoch));
      std::memcpy(place.data() + sizeof(epoch), &cursor_, sizeof(cursor_));
      reply_.response().set_next_page_token(
          MakePageToken(MethodOf<v1::ListPresencesRequest>(), parameters_, place));
    }
    std::move(reply_).Ok();
  }

  const ServiceContext& shared_;
  const v1::ListPresencesRequest& request_;
  Reply<v1::ListPresencesResponse> reply_;
  std::string parameters_;
  std::size_t size_ = 0;
  std::uint64_t cursor_ = 0;
  std::size_t scanned_ = 0;
};

// INVALID_ARGUMENT. Users come ascending and each once; null for everyone.
absl::StatusOr<WatchedUsers> ParseUsers(v1::WatchPresencesRequest& request, std::size_t max_users) {
  if (request.users().empty()) return nullptr;
  if (static_cast<std::size_t>(request.users_size()) > max_users) {
    return Failure(v1::ERROR_REASON_TOO_MANY_ITEMS,
                   fmt::format("users: {} are more than {}; watch everyone instead",
                               request.users_size(), max_users),
                   {{"field", "users"}, {"limit", fmt::to_string(max_users)}});
  }
  std::vector<std::string> users(std::make_move_iterator(request.mutable_users()->begin()),
                                 std::make_move_iterator(request.mutable_users()->end()));
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
  if (users.front().empty()) return FieldRequired("users", "give the ids of users, or no entry");
  // They are told as removed if there are none of that id, and would come back so.
  for (const std::string& user : users) {
    if (!IsValidText(user)) return FieldInvalid("users", user, "the ids of users");
  }
  return std::make_shared<const std::vector<std::string>>(std::move(users));
}

absl::StatusOr<WatchRequest> ParseWatch(const grpc::CallbackServerContext& context,
                                        grpc::ByteBuffer bytes, std::size_t max_users) {
  v1::WatchPresencesRequest parsed;
  if (!grpc::SerializationTraits<v1::WatchPresencesRequest>::Deserialize(&bytes, &parsed).ok()) {
    return Malformed(*v1::WatchPresencesRequest::descriptor());
  }
  WatchRequest request{.resume_token = std::move(*parsed.mutable_resume_token()),
                       .mailboxes = parsed.include_mailboxes()};
  UNIPRESENCE_ASSIGN_OR_RETURN(request.key, KeyOf(context));
  UNIPRESENCE_ASSIGN_OR_RETURN(request.users, ParseUsers(parsed, max_users));
  return request;
}

}  // namespace

grpc::ServerUnaryReactor* PresenceService::GetPresence(grpc::CallbackServerContext* context,
                                                       const v1::GetPresenceRequest* request,
                                                       v1::Presence* response) {
  return RunUnary(shared_, context, request, response,
                  [](UnaryCall<v1::GetPresenceRequest, v1::Presence> call) {
                    const std::string& user =
                        call.request.user().empty() ? call.caller.user : call.request.user();
                    if (!call.core.presences.Read(user, [&](const PresenceSource::Entry& entry) {
                          publish::ToProto(entry.presence, call.reply.response());
                        })) {
                      return std::move(call.reply).Fail(UserNotFound(user));
                    }
                    std::move(call.reply).Ok();
                  });
}

grpc::ServerUnaryReactor* PresenceService::BatchGetPresences(
    grpc::CallbackServerContext* context, const v1::BatchGetPresencesRequest* request,
    v1::BatchGetPresencesResponse* response) {
  return RunUnary(shared_, context, request, response, [this](Batch::Call call) {
    if (call.request.users().empty()) {
      return std::move(call.reply).Fail(FieldRequired("users", "give 1 to 1000 ids of users"));
    }
    if (call.request.users_size() > kMaxBatch) {
      return std::move(call.reply)
          .Fail(Failure(v1::ERROR_REASON_TOO_MANY_ITEMS,
                        fmt::format("users: {} are more than {}; split the request",
                                    call.request.users_size(), kMaxBatch),
                        {{"field", "users"}, {"limit", fmt::to_string(kMaxBatch)}}));
    }
    Core& core = call.core;
    Batch::Run(std::make_unique<Batch>(shared_, std::move(call)), core);
  });
}

grpc::ServerUnaryReactor* PresenceService::ListPresences(grpc::CallbackServerContext* context,
                                                         const v1::ListPresencesRequest* request,
                                                         v1::ListPresencesResponse* response) {
  return RunUnary(shared_, context, request, response, [this](Listing::Call call) {
    Listing::Start(std::make_unique<Listing>(shared_, call), call.core);
  });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* PresenceService::WatchPresences(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return hub_.Watch(context, ParseWatch(*context, *request, max_watched_users_));
}

grpc::ServerUnaryReactor* PresenceService::ExplainPresence(
    grpc::CallbackServerContext* context, const v1::ExplainPresenceRequest* request,
    v1::ExplainPresenceResponse* response) {
  return RunUnary(
      shared_, context, request, response,
      [this](UnaryCall<v1::ExplainPresenceRequest, v1::ExplainPresenceResponse> call) {
        const std::string& user =
            call.request.user().empty() ? call.caller.user : call.request.user();
        if (call.request.cause_limit() < 0) {
          return std::move(call.reply)
              .Fail(FieldInvalid("cause_limit", std::to_string(call.request.cause_limit()),
                                 "0 or more"));
        }
        v1::ExplainPresenceResponse& out = call.reply.response();
        absl::Status status = FillExplanation(call.core, user, call.request.cause_limit(), out);
        if (!status.ok()) return std::move(call.reply).Fail(status);
        const auto [assistants, clients] = shared_.sessions.CountOfUser(call.core, user);
        out.set_assistant_session_count(assistants);
        out.set_client_session_count(clients);
        std::move(call.reply).Ok();
      });
}

}  // namespace unipresence
