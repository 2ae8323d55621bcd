#include "server/auth/password_hasher.h"

#include <sodium.h>

#include <optional>
#include <utility>

#include "server/auth/password.h"

namespace unipresence::auth {
namespace {

// A password that is wiped when it goes away.
class Secret {
 public:
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.Wipe(); }
  Secret& operator=(Secret&&) = delete;
  ~Secret() { Wipe(); }
  const std::string& text() const { return text_; }

 private:
  void Wipe() { sodium_memzero(text_.data(), text_.size()); }
  std::string text_;
};

// What an unknown user's password is compared with: the same cost as a real hash, made once.
const std::string& DummyHash() {
  static const std::string hash = HashPassword("nobody has this password").value_or("");
  return hash;
}

}  // namespace

void RegisterMetrics(MetricCollector& collector, const PasswordHasherProbe& probe) {
  const MetricGroup group(collector);
  group.Counter("unipresence_password_hashes_total", "Passwords hashed or verified.", probe.hashed);
  group.Gauge("unipresence_password_queue_depth", "Passwords that wait.", probe.queue_depth);
}

PasswordHasher::PasswordHasher(Options options) : options_(options) {
  DummyHash();
  for (std::size_t i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

PasswordHasher::~PasswordHasher() {
  std::deque<Job> left;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    left.swap(queue_);
    wake_.notify_all();
  }
  for (Job& job : left) std::move(job)(absl::UnavailableError("the server is stopping; retry"));
  for (std::thread& thread : threads_) thread.join();
}

void PasswordHasher::Verify(std::string password_hash, std::string password,
                            absl::AnyInvocable<void(absl::StatusOr<bool>) &&> done) {
  Enqueue([hash = std::move(password_hash), secret = Secret(std::move(password)),
           done = std::move(done)](absl::Status status) mutable {
    if (!status.ok()) return std::move(done)(std::move(status));
    const bool known = !hash.empty();
    const bool matched = VerifyPassword(known ? hash : DummyHash(), secret.text());
    std::move(done)(known && matched);
  });
}

void PasswordHasher::Hash(std::string password,
                          absl::AnyInvocable<void(absl::StatusOr<std::string>) &&> done) {
  Enqueue(
      [secret = Secret(std::move(password)), done = std::move(done)](absl::Status status) mutable {
        if (!status.ok()) return std::move(done)(std::move(status));
        std::move(done)(HashPassword(secret.text()));
      });
}

void PasswordHasher::Enqueue(Job job) {
  absl::Status refusal;
  {
    MutexLock lock(mutex_);
    if (stopping_) {
      refusal = absl::UnavailableError("the server is stopping; retry");
    } else if (queue_.size() >= options_.queue_capacity) {
      refusal = absl::ResourceExhaustedError("too many log-ins at once; retry later");
    } else {
      queue_.push_back(std::move(job));
      probe_.queue_depth.Set(static_cast<std::int64_t>(queue_.size()));
      wake_.notify_one();
      return;
    }
  }
  probe_.refused.Add();
  std::move(job)(std::move(refusal));
}

void PasswordHasher::Run() {
  while (true) {
    std::optional<Job> job;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) wake_.wait(mutex_);
      if (queue_.empty()) return;
      job.emplace(std::move(queue_.front()));
      queue_.pop_front();
      probe_.queue_depth.Set(static_cast<std::int64_t>(queue_.size()));
    }
    probe_.hashed.Add();
    std::move (*job)(absl::OkStatus());
  }
}

}  // namespace unipresence::auth
