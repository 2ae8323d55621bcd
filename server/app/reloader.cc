#include "server/app/reloader.h"

#include <utility>

namespace unipresence {

Reloader::Reloader(std::function<void()> reload)
    : reload_(std::move(reload)), thread_([this] { Run(); }) {}

Reloader::~Reloader() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

void Reloader::Request() {
  MutexLock lock(mutex_);
  requested_ = true;
  wake_.notify_one();
}

void Reloader::Run() {
  while (true) {
    {
      MutexLock lock(mutex_);
      while (!requested_ && !stopping_) wake_.wait(mutex_);
      if (stopping_) return;
      requested_ = false;
    }
    reload_();
  }
}

}  // namespace unipresence
