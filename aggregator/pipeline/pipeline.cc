#include "aggregator/pipeline/pipeline.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <asio.hpp>
#include <utility>

namespace unipresence {
namespace {

// Users re-fused in one slice of a sweep: about 0.2 ms.
constexpr std::size_t kUsersPerSlice = 1024;
// Commands run before the sockets get their turn again.
constexpr std::size_t kCommandsPerTurn = 256;
// How late a session may expire, a heartbeat be sent, or a reconcile begin.
constexpr std::chrono::milliseconds kTick(50);

absl::Status NoSuchPbx(std::string_view name) {
  return absl::NotFoundError(
      fmt::format("the configuration has no PBX '{}'; `pbx:` lists them", name));
}

}  // namespace

class Pipeline::Loop {
 public:
  Loop() : tick(io) {}

  // Watches a descriptor that libzmq owns and signals by edge.
  void Watch(int descriptor, std::function<void()> readable) {
    descriptors_.push_back(std::make_unique<asio::posix::stream_descriptor>(io, descriptor));
    Wait(*descriptors_.back(), std::make_shared<std::function<void()>>(std::move(readable)));
  }

  // libzmq closes its descriptors itself.
  void ReleaseDescriptors() {
    for (const auto& descriptor : descriptors_) descriptor->release();
    descriptors_.clear();
  }

  asio::io_context io{1};
  asio::steady_timer tick;

 private:
  static void Wait(asio::posix::stream_descriptor& descriptor,
                   std::shared_ptr<std::function<void()>> readable) {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [&descriptor, readable](const asio::error_code& error) {
                            if (error) return;
                            (*readable)();
                            Wait(descriptor, readable);
                          });
  }

  std::vector<std::unique_ptr<asio::posix::stream_descriptor>> descriptors_;
};

Pipeline::Pipeline(PipelineOptions options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      publisher_(options_.publish, clock),
      engine_(options_.engine, clock, publisher_),
      sessions_(options_.sessions),
      calls_(engine_, clock_, options_.engine.epoch),
      core_{engine_, sessions_, clock_, this, &calls_},
      loop_(std::make_unique<Loop>()) {}

Pipeline::~Pipeline() { Stop(); }

void Pipeline::SetTickCallback(std::function<void(Core&)> callback) {
  on_tick_ = std::move(callback);
}

void Pipeline::SetLinkCallback(std::function<void(const PbxStatus&)> callback) {
  on_link_ = std::move(callback);
}

const ami::AmiProbe& Pipeline::ami_probe(std::size_t pbx) const { return links_[pbx]->ami_probe(); }

void Pipeline::SetAdoptCallback(AdoptCallback callback) { on_adopt_ = std::move(callback); }

const RoutingWriterProbe& Pipeline::writer_probe(std::size_t pbx) const {
  return links_[pbx]->writer_probe();
}

const PbxLinkProbe& Pipeline::link_probe(std::size_t pbx) const { return links_[pbx]->probe(); }

absl::Status Pipeline::Start(absl::AnyInvocable<absl::Status(Core&) &&> load) {
  thread_ = std::thread([this, load = std::move(load)]() mutable { Run(std::move(load)); });
  absl::Status status;
  {
    MutexLock lock(mutex_);
    while (!start_done_) started_.wait(mutex_);
    status = start_status_;
  }
  if (!status.ok()) thread_.join();
  return status;
}

void Pipeline::Stop() {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(mutex_);
    accepting_ = false;
  }
  asio::post(loop_->io, [this] {
    RunCommands();
    Close();
    loop_->io.stop();
  });
  thread_.join();
}

void Pipeline::Run(absl::AnyInvocable<absl::Status(Core&) &&> load) {
  const absl::Status status = Open(std::move(load));
  {
    MutexLock lock(mutex_);
    start_status_ = status;
    start_done_ = true;
    accepting_ = status.ok();
  }
  started_.notify_all();
  if (status.ok()) {
    loop_->io.run();
  } else {
    Close();
  }
}

absl::Status Pipeline::Open(absl::AnyInvocable<absl::Status(Core&) &&> load) {
  if (absl::Status status = std::move(load)(core_); !status.ok()) return status;
  if (absl::Status status = publisher_.Bind(engine_); !status.ok()) return status;
  for (const int descriptor : {publisher_.publish_fd(), publisher_.snapshot_fd()}) {
    loop_->Watch(descriptor, [this] { AfterTurn(); });
  }
  for (const PbxOptions& options : options_.pbxs) {
    if (absl::Status status = AddLink(options); !status.ok()) return status;
  }
  OnTick();
  return absl::OkStatus();
}

absl::Status Pipeline::AddLink(const PbxOptions& options) {
  PbxLink& link = *links_.emplace_back(MakeLink(options));
  calls_.AddLink(link.pbx(), link.session(), link.tracker());
  return link.Start();
}

std::unique_ptr<PbxLink> Pipeline::MakeLink(const PbxOptions& options) {
  PbxLink::Hooks hooks;
  hooks.read_end = [this](MonotonicTime started, std::size_t changes) {
    probe_.reads.Add();
    probe_.device_changes.Add(changes);
    Publish();
    probe_.read_to_publish.Observe(
        static_cast<std::uint64_t>((clock_.Now() - started).count() / 1000));
    TellPbxs();
  };
  hooks.calls_read = [this](PbxIndex pbx) { calls_.OnRead(pbx); };
  hooks.link_changed = [this](PbxIndex pbx) {
    calls_.OnLinkChanged(pbx);
    if (on_link_) on_link_(engine_.pbx(pbx));
  };
  if (on_adopt_) {
    hooks.adopt = [this](PhoneSetting setting, absl::AnyInvocable<void(absl::Status) &&> done) {
      on_adopt_(core_, std::move(setting), std::move(done));
    };
  }
  return std::make_unique<PbxLink>(loop_->io, options, engine_, clock_, options_.reconcile_interval,
                                   std::move(hooks));
}

void Pipeline::AbandonReconciles() {
  for (const auto& link : links_) link->AbandonReconcile();
}

void Pipeline::WhenTold(std::string_view user, absl::AnyInvocable<void() &&> done) {
  struct Waiting {
    std::size_t pbxs;
    absl::AnyInvocable<void() &&> done;
  };
  if (links_.empty()) return std::move(done)();
  const auto waiting = std::make_shared<Waiting>(Waiting{links_.size(), std::move(done)});
  for (const auto& link : links_) {
    link->WhenTold(user, [waiting] {
      if (--waiting->pbxs == 0) std::move(waiting->done)();
    });
  }
}

PbxLink* Pipeline::FindPbx(std::string_view name) const {
  for (const auto& link : links_) {
    const PbxStatus& pbx = engine_.pbx(link->pbx());
    if (pbx.name == name && !pbx.address.empty()) return link.get();
  }
  return nullptr;
}

absl::Status Pipeline::SetPbx(const PbxOptions& options) {
  for (const auto& link : links_) {
    if (engine_.pbx(link->pbx()).name == options.ami.name) return link->Restart(options);
  }
  return AddLink(options);
}

void Pipeline::RemovePbx(std::string_view name) {
  if (PbxLink* link = FindPbx(name)) link->Retire();
}

void Pipeline::Reconcile(std::string_view pbx, ReconcileCallback done) {
  if (PbxLink* link = FindPbx(pbx)) return link->Reconcile(std::move(done));
  std::move(done)(NoSuchPbx(pbx));
}

void Pipeline::Load(std::string_view pbx, ExpectedConfiguration expected, LoadCallback done) {
  if (PbxLink* link = FindPbx(pbx)) return link->Load(std::move(expected), std::move(done));
  std::move(done)(NoSuchPbx(pbx));
}

void Pipeline::FindConflicts(std::string_view pbx, const ConfiguredNames& next,
                             const FormerConfiguration& former, Look look, ConflictsCallback done) {
  if (PbxLink* link = FindPbx(pbx)) return link->FindConflicts(next, former, look, std::move(done));
  std::move(done)(NoSuchPbx(pbx));
}

void Pipeline::Close() {
  for (const auto& link : links_) link->Stop();
  publisher_.HandleEvents();
  loop_->tick.cancel();
  loop_->ReleaseDescriptors();
}

bool Pipeline::Post(Command command) {
  bool first = false;
  {
    MutexLock lock(mutex_);
    if (!accepting_ || commands_.size() >= options_.command_queue_capacity) {
      probe_.commands_refused.Add();
      return false;
    }
    first = commands_.empty();
    commands_.push_back(std::move(command));
    probe_.command_queue_depth.Set(static_cast<std::int64_t>(commands_.size()));
  }
  // One wake-up serves all commands that come before it runs.
  if (first) asio::post(loop_->io, [this] { RunCommands(); });
  return true;
}

void Pipeline::RunCommands() {
  std::vector<Command> commands;
  {
    MutexLock lock(mutex_);
    if (commands_.size() <= kCommandsPerTurn || !accepting_) {
      commands.swap(commands_);
    } else {
      const auto end = commands_.begin() + kCommandsPerTurn;
      commands.assign(std::make_move_iterator(commands_.begin()), std::make_move_iterator(end));
      commands_.erase(commands_.begin(), end);
      asio::post(loop_->io, [this] { RunCommands(); });
    }
    probe_.command_queue_depth.Set(static_cast<std::int64_t>(commands_.size()));
  }
  for (Command& command : commands) std::move(command)(core_);
  probe_.commands.Add(commands.size());
  if (!commands.empty()) AfterTurn();
}

void Pipeline::AfterTurn() {
  Publish();
  TellPbxs();
}

void Pipeline::Publish() {
  const bool more = publisher_.HandleEvents();
  if (more || engine_.HasWork()) ScheduleSlice();
}

void Pipeline::TellPbxs() {
  bool more = false;
  for (const auto& link : links_) more |= link->DrainRoutings();
  if (more) ScheduleSlice();
}

void Pipeline::ScheduleSlice() {
  if (std::exchange(slice_scheduled_, true)) return;
  asio::post(loop_->io, [this] { RunSlice(); });
}

void Pipeline::RunSlice() {
  slice_scheduled_ = false;
  if (engine_.HasWork()) {
    engine_.DoWork(kUsersPerSlice);
    probe_.work_slices.Add();
  }
  AfterTurn();
}

void Pipeline::OnTick() {
  const MonotonicTime now = clock_.Now();
  if (on_tick_) on_tick_(core_);
  if (publisher_.next_timer() <= now) publisher_.OnTimer(now);
  for (const auto& link : links_) link->OnTick();
  calls_.OnTick();
  UpdateGauges();
  AfterTurn();
  loop_->tick.expires_after(kTick);
  loop_->tick.async_wait([this](const asio::error_code& error) {
    if (!error) OnTick();
  });
}

void Pipeline::UpdateGauges() {
  probe_.users.Set(static_cast<std::int64_t>(engine_.user_count()));
  probe_.sequence.Set(static_cast<std::int64_t>(engine_.sequence()));
  probe_.unknown_devices.Add(engine_.unknown_device_changes() - probe_.unknown_devices.value());
  std::uint64_t corrections = 0;
  for (const PbxStatus& pbx : engine_.pbxs()) corrections += pbx.corrections;
  probe_.corrections.Add(corrections - probe_.corrections.value());
}

}  // namespace unipresence
