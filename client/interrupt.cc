#include "client/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace deepbindnet::client {
namespace {

// A signal handler may do little more than write to a descriptor.
int g_pipe[2] = {-1, -1};

extern "C" void WriteToPipe(int) {
  const int saved_errno = errno;
  [[maybe_unused]] const ssize_t written = write(g_pipe[1], "i", 1);
  errno = saved_errno;
}

void SetHandler(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

Interrupt::Interrupt() {
  if (pipe(g_pipe) != 0) return;  // Without a descriptor left, signals keep their default effect.
  listener_ = std::thread([this] { ListenToPipe(); });
  SetHandler(WriteToPipe);
}

Interrupt::~Interrupt() {
  if (!listener_.joinable()) return;
  SetHandler(SIG_DFL);
  [[maybe_unused]] const ssize_t written = write(g_pipe[1], "q", 1);
  listener_.join();
  close(g_pipe[0]);
  close(g_pipe[1]);
}

void Interrupt::ListenToPipe() {
  for (;;) {
    char command = 0;
    const ssize_t count = read(g_pipe[0], &command, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count != 1 || command == 'q') return;
    Raise();
  }
}

bool Interrupt::raised() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return raised_;
}

bool Interrupt::WaitFor(absl::Duration duration) {
  std::unique_lock<std::mutex> lock(mutex_);
  return condition_.wait_for(lock, absl::ToChronoNanoseconds(duration), [this] { return raised_; });
}

void Interrupt::Raise() {
  std::lock_guard<std::mutex> lock(mutex_);
  raised_ = true;
  // Under the lock, because a context must not go away meanwhile; TryCancel neither blocks nor calls back.
  for (grpc::ClientContext* context : contexts_) context->TryCancel();
  condition_.notify_all();
}

void Interrupt::Add(grpc::ClientContext* context) {
  std::lock_guard<std::mutex> lock(mutex_);
  contexts_.insert(context);
  if (raised_) context->TryCancel();
}

void Interrupt::Remove(grpc::ClientContext* context) {
  std::lock_guard<std::mutex> lock(mutex_);
  contexts_.erase(context);
}

EndBySignal::EndBySignal(Interrupt* interrupt) : caught_before_(interrupt != nullptr && !interrupt->raised()) {
  if (caught_before_) SetHandler(SIG_DFL);
}

EndBySignal::~EndBySignal() {
  if (caught_before_) SetHandler(WriteToPipe);
}

}  // namespace deepbindnet::client
