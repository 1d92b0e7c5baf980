// Ctrl-C and SIGTERM turn into cancelled calls, so that a command can tidy up and say how to come back.
#ifndef DEEPBINDNET_CLIENT_INTERRUPT_H_
#define DEEPBINDNET_CLIENT_INTERRUPT_H_

#include <grpcpp/client_context.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "absl/time/time.h"

namespace deepbindnet::client {

// Catches the first SIGINT or SIGTERM while it lives; a second one ends the process as if nothing caught it. At most
// one object at a time. Thread-safe.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool raised() const;

  // Blocks for `duration` or until raised; returns raised().
  bool WaitFor(absl::Duration duration);

  // What the signal does.
  void Raise();

  // Contexts that Raise() cancels; one that is added later is cancelled at once.
  void Add(grpc::ClientContext* context);
  void Remove(grpc::ClientContext* context);

 private:
  void ListenToPipe();

  mutable std::mutex mutex_;
  std::condition_variable condition_;
  bool raised_ = false;                      // Protected by mutex_.
  std::set<grpc::ClientContext*> contexts_;  // Protected by mutex_.
  std::thread listener_;                     // Constant after construction.
};

// While it lives, a signal ends the process: for a question, which nothing else could break off. `interrupt` may be
// null and must outlive it.
class EndBySignal {
 public:
  explicit EndBySignal(Interrupt* interrupt);
  ~EndBySignal();
  EndBySignal(const EndBySignal&) = delete;
  EndBySignal& operator=(const EndBySignal&) = delete;

 private:
  const bool caught_before_;
};

// A context that an Interrupt cancels while both live. `interrupt` may be null.
class InterruptibleContext {
 public:
  explicit InterruptibleContext(Interrupt* interrupt) : interrupt_(interrupt) {
    if (interrupt_ != nullptr) interrupt_->Add(&context_);
  }
  ~InterruptibleContext() {
    if (interrupt_ != nullptr) interrupt_->Remove(&context_);
  }
  InterruptibleContext(const InterruptibleContext&) = delete;
  InterruptibleContext& operator=(const InterruptibleContext&) = delete;

  grpc::ClientContext* get() { return &context_; }
  grpc::ClientContext* operator->() { return &context_; }

 private:
  Interrupt* const interrupt_;
  grpc::ClientContext context_;
};

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_INTERRUPT_H_
