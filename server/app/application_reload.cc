// What Application does on SIGHUP.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <future>
#include <memory>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "server/app/application.h"
#include "server/app/command_line.h"
#include "server/app/config_difference.h"
#include "server/app/register_metrics.h"

namespace unipresence {
namespace {

std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : text) line += c == '\n' ? "; " : std::string(1, c);
  return line;
}

// Waits until the work that holds the promise is done; false if it was destroyed instead.
bool Await(std::future<void> done) {
  try {
    done.get();
    return true;
  } catch (const std::future_error&) {
    return false;
  }
}

void UsersStay(const absl::Status& status) {
  spdlog::error("reload: the users stay as they were: {}", FromAbsl(status.message()));
}

}  // namespace

bool Application::OnPipeline(const std::function<void(Core&)>& command) {
  auto promise = std::make_unique<std::promise<void>>();
  std::future<void> done = promise->get_future();
  // Behind the users that were changed before.
  services_->executor().Post([&command, promise = std::move(promise)](Core& core) {
    command(core);
    promise->set_value();
  });
  return Await(std::move(done));
}

absl::Status Application::SetPbx(const config::PbxConfig& pbx, const config::PbxConfig* before) {
  absl::Status status = absl::CancelledError("the server stops");
  OnPipeline([&](Core&) {
    status = pipeline_->SetPbx(PbxOptions{.ami = pbx, .write_back = pbx.write_back});
    if (!status.ok() && before != nullptr) {
      pipeline_->SetPbx(PbxOptions{.ami = *before, .write_back = before->write_back})
          .IgnoreError();  // as it worked before
    } else if (!status.ok()) {
      pipeline_->RemovePbx(pbx.name);
    } else if (before == nullptr) {
      RegisterPbxMetrics(collector_, pbx.name, *pipeline_->FindPbx(pbx.name));
    }
  });
  return status;
}

void Application::Reload(absl::StatusOr<config::Config> next) {
  absl::StatusOr<UsersReading> users = next.ok() ? ReadUsers(*next) : next.status();
  if (stop_.stop_requested()) return spdlog::info("reload: the server stops; nothing is changed");
  if (!users.ok()) {
    spdlog::error("reload: nothing is changed: {}", OneLine(FromAbsl(users.status().message())));
    return;
  }
  const ConfigDifference difference = Compare(config_, *next);
  for (const std::string& change : difference.changes) spdlog::info("reload: {}", change);
  for (const std::string& change : difference.need_restart) {
    spdlog::warn("reload: {} (not before a restart)", change);
  }
  config::Config config = Merge(config_, *std::move(next));
  SetLogLevel(config.log);

  std::vector<config::PbxConfig>& pbxs = config.pbxs;
  for (const config::PbxConfig& pbx : difference.changed) {
    const auto named = [&](const config::PbxConfig& other) { return other.name == pbx.name; };
    const auto before = std::find_if(config_.pbxs.begin(), config_.pbxs.end(), named);
    if (absl::Status status = SetPbx(pbx, &*before); !status.ok()) {
      spdlog::error("reload: pbx {}: stays as it was: {}", pbx.name, FromAbsl(status.message()));
      *std::find_if(pbxs.begin(), pbxs.end(), named) = *before;
    }
  }
  for (const config::PbxConfig& pbx : difference.added) {
    if (absl::Status status = SetPbx(pbx, nullptr); !status.ok()) {
      spdlog::error("reload: pbx {}: not added: {}", pbx.name, FromAbsl(status.message()));
      std::erase_if(pbxs, [&](const config::PbxConfig& it) { return it.name == pbx.name; });
    }
  }
  if (stop_.stop_requested()) return spdlog::info("reload: ended early, the server stops");
  ReloadUsers(*std::move(users), config);
  if (stop_.stop_requested()) return spdlog::info("reload: ended early, the server stops");
  for (const std::string& name : difference.removed) {
    OnPipeline([&](Core&) { pipeline_->RemovePbx(name); });
    collector_.Remove({"pbx", name});
  }
  config_ = std::move(config);
  spdlog::info("reload: done{}", difference.changes.empty() ? "; no setting has changed" : "");
}

void Application::ReloadUsers(UsersReading reading, const config::Config& config) {
  for (const std::string& line : reading.lines) spdlog::info("{}", line);
  if (!reading.needed) return;
  auto promise = std::make_unique<std::promise<void>>();
  std::future<void> done = promise->get_future();
  UsersSync sync;
  const absl::Status refused = store_->SubmitChange(
      [&](Transaction& store) -> absl::Status {
        UNIPRESENCE_ASSIGN_OR_RETURN(
            sync, SyncUsers(store, reading.users, config.users_file, reading.digest,
                            config.users_file_wins, stop_.get_token()));
        return absl::OkStatus();
      },
      [this, &sync, promise = std::move(promise)](absl::StatusOr<Revision> committed) mutable {
        if (committed.ok()) {
          for (const std::string& line : sync.lines) spdlog::info("{}", line);
          passwords_->Add(std::move(sync.passwords));
          return services_->changes().WhenApplied(
              [promise = std::move(promise)](Core&) { promise->set_value(); });
        }
        if (!absl::IsCancelled(committed.status())) UsersStay(committed.status());
        promise->set_value();
      });
  if (!refused.ok()) UsersStay(refused);
  Await(std::move(done));
}

}  // namespace unipresence
