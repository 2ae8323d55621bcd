#include "tests/simulation/ami_connection.h"

#include <algorithm>
#include <utility>

#include "asio/buffer.hpp"
#include "asio/post.hpp"

namespace unipresence::simulation {
namespace {

constexpr std::size_t kListBytesAhead = 256 * 1024;
constexpr std::uint64_t kStormEventsAtOnce = 8192;
// How much one connection writes before the others get their turn.
constexpr std::size_t kBytesATurn = 8 * 1024 * 1024;
// A client that reads too slowly for this much is cut off like one that reads nothing.
constexpr std::size_t kMostWaiting = 256 * 1024 * 1024;

}  // namespace

AmiConnection::AmiConnection(AmiServer& server, asio::ip::tcp::socket socket, std::uint64_t seed)
    : server_(server),
      socket_(std::move(socket)),
      write_timer_(socket_.get_executor()),
      close_timer_(socket_.get_executor()),
      session_(*server.pbx_, server.options_.users, *this, seed) {
  asio::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
}

void AmiConnection::Start() {
  session_.Greet(server_.options_.version);
  Read();
}

void AmiConnection::Read() {
  socket_.async_read_some(asio::buffer(input_), [this, self = shared_from_this()](
                                                    asio::error_code error, std::size_t size) {
    if (closed_) return;
    if (error) return Close();
    const bool was = authenticated();
    if (!deaf_) session_.Consume(std::string_view(input_.data(), size));
    if (!was && Wants(kCall) && server_.storm_ != nullptr) JoinStorm(server_.StormPosition());
    Read();
  });
}

// --- output ---

void AmiConnection::Write(std::string_view bytes) {
  if (queue_.empty()) {
    filling_.append(bytes);
  } else {
    queue_.emplace_back(std::string(bytes));
  }
  WakeWriter();
}

void AmiConnection::Stream(RowProducer rows) {
  queue_.emplace_back(std::move(rows));
  WakeWriter();
}

void AmiConnection::SendEvent(std::string_view text) {
  (queue_.empty() ? filling_ : held_events_).append(text);
  WakeWriter();
}

void AmiConnection::JoinStorm(std::uint64_t position) {
  storm_position_ = position;
  WakeWriter();
}

std::optional<DeviceState> AmiConnection::Heard(EndpointId phone) const {
  if (!storm_position_.has_value()) return std::nullopt;
  return server_.storm_->StateAt(phone, *storm_position_);
}

void AmiConnection::WakeWriter() {
  if (pumping_ || closed_) return;
  pumping_ = true;
  // Later, so that everything of this moment leaves in one write.
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->pumping_ = false;
    self->Pump();
  });
}

bool AmiConnection::Refill() {
  while (!queue_.empty() && filling_.size() < kListBytesAhead) {
    if (auto* text = std::get_if<std::string>(&queue_.front())) {
      filling_.append(*text);
    } else if (std::get<RowProducer>(queue_.front())(filling_)) {
      continue;  // the list goes on
    } else {
      filling_.append(std::exchange(held_events_, {}));
    }
    queue_.pop_front();
  }
  if (!filling_.empty()) {
    written_.clear();
    std::swap(written_, filling_);
    out_ = written_;
    return true;
  }
  if (!storm_position_.has_value()) return false;
  const Storm& storm = *server_.storm_;
  if (*storm_position_ < storm.events()) {
    const Storm::Piece piece = storm.At(*storm_position_, kStormEventsAtOnce);
    *storm_position_ += piece.events;
    out_ = piece.text;
    return true;
  }
  server_.FinishStormIfAllDone();
  return false;
}

void AmiConnection::Pump() {
  if (closed_ || pumping_) return;
  if (filling_.size() + held_events_.size() > kMostWaiting) return Close();
  std::size_t budget = kBytesATurn;
  while (!out_.empty() || Refill()) {
    std::string_view now = out_.substr(0, budget);
    if (cut_after_.has_value()) now = now.substr(0, *cut_after_);
    asio::error_code error;
    const std::size_t sent = socket_.write_some(asio::buffer(now.data(), now.size()), error);
    out_.remove_prefix(sent);
    if (cut_after_.has_value()) {
      *cut_after_ -= sent;
      if (*cut_after_ == 0) return Close();
    }
    if (error == asio::error::would_block) return WaitWritable();
    if (error) return Close();
    budget -= sent;
    if (budget == 0) return WakeWriter();
  }
  if (close_when_written_) Close();
}

void AmiConnection::WaitWritable() {
  pumping_ = true;
  write_timer_.expires_after(server_.options_.write_timeout);
  write_timer_.async_wait([this, self = shared_from_this()](asio::error_code error) {
    if (!error) Close();
  });
  socket_.async_wait(asio::ip::tcp::socket::wait_write,
                     [this, self = shared_from_this()](asio::error_code error) {
                       write_timer_.cancel();
                       pumping_ = false;
                       if (closed_) return;
                       if (error) return Close();
                       Pump();
                     });
}

// --- the end ---

void AmiConnection::CloseAfter(Duration delay, std::string last_words) {
  deaf_ = true;
  close_timer_.expires_after(delay);
  close_timer_.async_wait(
      [this, words = std::move(last_words), self = shared_from_this()](asio::error_code error) {
        if (error || closed_) return;
        Write(words);
        CloseWhenWritten();
      });
}

void AmiConnection::CloseWhenWritten() {
  close_when_written_ = true;
  deaf_ = true;
  WakeWriter();
}

void AmiConnection::Close() {
  if (closed_) return;
  closed_ = true;
  asio::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
  write_timer_.cancel();
  close_timer_.cancel();
  storm_position_.reset();
  server_.Remove(*this);
}

}  // namespace unipresence::simulation
