#include "core/training/ranks.h"

#include <chrono>
#include <cstring>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/compute/torch_util.h"
#ifdef USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#if TORCH_VERSION_MAJOR >= 2
#include <torch/csrc/distributed/c10d/Backend.hpp>
#endif

namespace deepbindnet {
namespace {

#if TORCH_VERSION_MAJOR >= 2
using Backend = c10d::Backend;
#else
using Backend = c10d::ProcessGroup;
#endif

constexpr auto kCallTimeout = std::chrono::minutes(10);  // A rank that is alive and does not answer.

class OneRank : public Ranks {
 public:
  OneRank() : Ranks(0, 1) {}
  absl::Status Sum(torch::Tensor tensor) override { return absl::OkStatus(); }
  absl::Status Broadcast(torch::Tensor tensor) override { return absl::OkStatus(); }
};

class ManyRanks : public Ranks {
 public:
  ManyRanks(const RankPlace& place, const torch::Device& device, c10::intrusive_ptr<Backend> backend)
      : Ranks(place.rank, place.world_size), device_(device), backend_(std::move(backend)) {}

  absl::Status Sum(torch::Tensor tensor) override {
    return Call(std::move(tensor),
                [this](std::vector<torch::Tensor>* tensors) { return backend_->allreduce(*tensors); });
  }

  absl::Status Broadcast(torch::Tensor tensor) override {
    return Call(std::move(tensor),
                [this](std::vector<torch::Tensor>* tensors) { return backend_->broadcast(*tensors); });
  }

 private:
  // NCCL knows the memory of its GPU alone.
  template <typename Start>
  absl::Status Call(torch::Tensor tensor, const Start& start) {
    torch::NoGradGuard no_grad;
    const absl::Status status = CatchTorch([&]() -> absl::Status {
      std::vector<torch::Tensor> tensors = {tensor.to(device_)};
      start(&tensors)->wait();
      if (!tensors[0].is_same(tensor)) tensor.copy_(tensors[0]);
      return absl::OkStatus();
    });
    if (status.ok()) return status;
    const absl::string_view why = status.message();
    return WithReason(
        absl::InternalError(absl::StrCat(
            "rank ", rank(), " of ", size(), ": another process of this training has ended or does not answer (",
            why.substr(0, why.find('\n')), "); see its output, and start all of them again to resume")),
        "RANK_LOST");
  }

  const torch::Device device_;
  const c10::intrusive_ptr<Backend> backend_;
};

// Gloo would wait for as long as for a call.
void WaitForAll(c10d::Store* store, const RankPlace& place) {
  const auto key = [](int rank) { return absl::StrCat("deepbindnet/here/", rank); };
  store->set(key(place.rank), std::vector<uint8_t>{1});
  std::vector<std::string> keys;
  for (int rank = 0; rank < place.world_size; ++rank) keys.push_back(key(rank));
  store->wait(keys, std::chrono::seconds(place.connect_seconds));
}

c10::intrusive_ptr<c10d::Store> OpenStore(const RankPlace& place, absl::Status* status) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(place.master_port);
  options.isServer = place.rank == 0 && place.hosts_store;
  options.waitWorkers = false;  // WaitForAll() does.
  options.timeout = std::chrono::seconds(place.connect_seconds);
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  options.useLibUV = false;  // Taken by default since 2.4, also where LibTorch was built without, as Debian's is.
#endif
  auto store = c10::make_intrusive<c10d::TCPStore>(place.master_addr, options);
  if (options.isServer && place.on_listening) *status = place.on_listening(store->getPort());
  if (place.store_prefix.empty()) return store;
  return c10::make_intrusive<c10d::PrefixStore>(place.store_prefix, std::move(store));
}

#ifdef USE_C10D_GLOO
bool IsLoopback(const std::string& host) {
  return host == "localhost" || absl::StartsWith(host, "127.") || host == "::1";
}

// The address that the other ranks reach this one at.
std::shared_ptr<gloo::transport::Device> GlooDevice(const RankPlace& place) {
  const char* const interface = std::getenv("GLOO_SOCKET_IFNAME");
  if (interface != nullptr && *interface != '\0') return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
  if (IsLoopback(place.master_addr)) return c10d::ProcessGroupGloo::createDeviceForHostname(place.master_addr);
  return c10d::ProcessGroupGloo::createDefaultDevice();
}
#endif

absl::StatusOr<c10::intrusive_ptr<Backend>> MakeBackend(const RankPlace& place, const torch::Device& device,
                                                        const c10::intrusive_ptr<c10d::Store>& store) {
  if (device.is_cuda()) {
#ifdef USE_C10D_NCCL
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = kCallTimeout;
    return c10::intrusive_ptr<Backend>(
        c10::make_intrusive<c10d::ProcessGroupNCCL>(store, place.rank, place.world_size, std::move(options)));
#else
    return absl::UnimplementedError("this build has no NCCL: train with one process a GPU, or on the CPU");
#endif
  }
#ifdef USE_C10D_GLOO
  auto options = c10d::ProcessGroupGloo::Options::create(kCallTimeout);
  options->devices.push_back(GlooDevice(place));
  options->threads = 2;
  return c10::intrusive_ptr<Backend>(
      c10::make_intrusive<c10d::ProcessGroupGloo>(store, place.rank, place.world_size, std::move(options)));
#else
  return absl::UnimplementedError("this build has no Gloo: on the CPU it trains with one process");
#endif
}

}  // namespace

absl::StatusOr<std::unique_ptr<Ranks>> Ranks::Connect(const RankPlace& place, const torch::Device& device) {
  if (place.world_size == 1) return std::unique_ptr<Ranks>(new OneRank);
  absl::Status listening;
  auto ranks = CatchTorch([&]() -> absl::StatusOr<std::unique_ptr<Ranks>> {
    const auto store = OpenStore(place, &listening);
    DBN_RETURN_IF_ERROR(listening);
    WaitForAll(store.get(), place);
    DBN_ASSIGN_OR_RETURN(auto backend, MakeBackend(place, device, store));
    std::unique_ptr<Ranks> made(new ManyRanks(place, device, std::move(backend)));
    DBN_RETURN_IF_ERROR(made->Sum(torch::zeros({1})));  // NCCL connects with the first call.
    return made;
  });
  if (ranks.ok() || !absl::IsInternal(ranks.status()) || !listening.ok()) return ranks;
  const absl::string_view why = ranks.status().message();
  return WithReason(absl::UnavailableError(
                        absl::StrCat("rank ", place.rank, " of ", place.world_size, ": the ranks did not meet at ",
                                     place.master_addr, ":", place.master_port, " (", why.substr(0, why.find('\n')),
                                     "); check MASTER_ADDR and MASTER_PORT, and that all ranks were started")),
                    "RANKS_MISSING");
}

absl::StatusOr<std::string> Ranks::BroadcastText(std::string text) {
  if (size_ == 1) return text;
  const torch::Tensor length = torch::tensor(static_cast<int64_t>(text.size()));
  DBN_RETURN_IF_ERROR(Broadcast(length));
  text.resize(static_cast<size_t>(length.item<int64_t>()));
  if (text.empty()) return text;
  const torch::Tensor bytes = torch::from_blob(text.data(), {static_cast<int64_t>(text.size())}, torch::kUInt8);
  DBN_RETURN_IF_ERROR(Broadcast(bytes));
  return text;
}

}  // namespace deepbindnet
