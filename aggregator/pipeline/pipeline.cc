#include "aggregator/pipeline/pipeline.h"

#include <asio.hpp>
#include <iterator>
#include <utility>

#include "aggregator/ami/connection.h"

namespace unipresence {
namespace {

// Commands run before the sockets get their turn again.
constexpr std::size_t kCommandsPerTurn = 256;

}  // namespace

class Pipeline::Loop final : public TurnLoop {
 public:
  Loop(TurnOptions options, const Clock& clock)
      : clock_(clock), tick_(io_), turn_(std::move(options), clock, *this) {}

  // TurnLoop.
  void ScheduleSlice() override {
    asio::post(io_, [this] { turn_.RunSlice(); });
  }
  std::unique_ptr<ami::SessionDriver> MakeDriver(ami::PbxConfig config,
                                                 ami::SessionHandler& handler) override {
    return std::make_unique<ami::Connection>(io_, std::move(config), handler, clock_);
  }

  absl::Status Open(Turn::Hooks hooks, absl::AnyInvocable<absl::Status(Core&) &&> load) {
    if (absl::Status status = turn_.Open(std::move(hooks), std::move(load)); !status.ok()) {
      return status;
    }
    Watch(turn_.publisher().publish_fd());
    Watch(turn_.publisher().snapshot_fd());
    Tick();
    return absl::OkStatus();
  }

  void Close() {
    turn_.Close();
    tick_.cancel();
    // libzmq closes its descriptors itself.
    for (const auto& descriptor : descriptors_) descriptor->release();
    descriptors_.clear();
  }

  asio::io_context& io() { return io_; }
  Turn& turn() { return turn_; }

 private:
  // Watches a descriptor that libzmq owns and signals by edge.
  void Watch(int descriptor) {
    Wait(*descriptors_.emplace_back(
        std::make_unique<asio::posix::stream_descriptor>(io_, descriptor)));
  }

  void Wait(asio::posix::stream_descriptor& descriptor) {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [this, &descriptor](const asio::error_code& error) {
                            if (error) return;
                            turn_.OnPublisherEvent();
                            Wait(descriptor);
                          });
  }

  void Tick() {
    turn_.OnTick();
    tick_.expires_after(Turn::kTick);
    tick_.async_wait([this](const asio::error_code& error) {
      if (!error) Tick();
    });
  }

  const Clock& clock_;
  asio::io_context io_{1};
  asio::steady_timer tick_;
  std::vector<std::unique_ptr<asio::posix::stream_descriptor>> descriptors_;
  Turn turn_;  // last: its links go before what their drivers run on
};

Pipeline::Pipeline(PipelineOptions options, const Clock& clock)
    : command_queue_capacity_(options.command_queue_capacity),
      loop_(std::make_unique<Loop>(std::move(options), clock)) {}

Pipeline::~Pipeline() { Stop(); }

publish::Publisher& Pipeline::publisher() { return loop_->turn().publisher(); }

const publish::Publisher& Pipeline::publisher() const { return loop_->turn().publisher(); }

const PipelineProbe& Pipeline::probe() const { return loop_->turn().probe(); }

const PbxLink& Pipeline::link(std::size_t pbx) const { return loop_->turn().link(pbx); }

PbxLink* Pipeline::FindPbx(std::string_view name) const { return loop_->turn().FindPbx(name); }

absl::Status Pipeline::SetPbx(const PbxOptions& options) { return loop_->turn().SetPbx(options); }

void Pipeline::RemovePbx(std::string_view name) { loop_->turn().RemovePbx(name); }

absl::Status Pipeline::Start(absl::AnyInvocable<absl::Status(Core&) &&> load, Hooks hooks) {
  thread_ = std::thread([this, load = std::move(load), hooks = std::move(hooks)]() mutable {
    Run(std::move(load), std::move(hooks));
  });
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
  asio::post(loop_->io(), [this] {
    RunCommands();
    loop_->Close();
    loop_->io().stop();
  });
  thread_.join();
}

void Pipeline::Run(absl::AnyInvocable<absl::Status(Core&) &&> load, Hooks hooks) {
  const absl::Status status = loop_->Open(std::move(hooks), std::move(load));
  {
    MutexLock lock(mutex_);
    start_status_ = status;
    start_done_ = true;
    accepting_ = status.ok();
  }
  started_.notify_all();
  if (status.ok()) {
    loop_->io().run();
  } else {
    loop_->Close();
  }
}

bool Pipeline::Post(Command command) {
  bool first = false;
  PipelineProbe& probe = loop_->turn().probe();
  {
    MutexLock lock(mutex_);
    if (!accepting_ || commands_.size() >= command_queue_capacity_) {
      probe.commands_refused.Add();
      return false;
    }
    first = commands_.empty();
    commands_.push_back(std::move(command));
    probe.command_queue_depth.Set(static_cast<std::int64_t>(commands_.size()));
  }
  // One wake-up serves all commands that come before it runs.
  if (first) asio::post(loop_->io(), [this] { RunCommands(); });
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
      asio::post(loop_->io(), [this] { RunCommands(); });
    }
    loop_->turn().probe().command_queue_depth.Set(static_cast<std::int64_t>(commands_.size()));
  }
  loop_->turn().RunCommands(commands);
}

}  // namespace unipresence
