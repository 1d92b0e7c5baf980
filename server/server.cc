#include "server/server.h"

#include <grpc/support/log.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/file_descriptor.h"
#include "core/compute/threads.h"
#include "core/inference/predictor.h"
#include "server/auth/authenticator.h"
#include "server/auth/tls.h"
#include "server/jobs/job_engine.h"
#include "server/jobs/worker_process.h"
#include "server/metrics/job_collector.h"
#include "server/metrics/metrics.h"
#include "server/metrics/metrics_endpoint.h"
#include "server/metrics/process_collector.h"
#include "server/metrics/resource_collector.h"
#include "server/predict/batcher.h"
#include "server/predict/devices.h"
#include "server/predict/model_registry.h"
#include "server/rpc/executor.h"
#include "server/rpc/grpc_server.h"
#include "server/rpc/service.h"
#include "server/store/store.h"

namespace deepbindnet {
namespace {

// Handlers block on SQLite and files for milliseconds; what takes longer has threads of its own.
constexpr int kExecutorThreads = 8;
constexpr int kExecutorQueue = 2000;
// Explanations are computed on one thread, pair by pair, so that they never stand between predictions.
constexpr int kExplainQueue = 64;
// What open streams (health watches, slow readers) get to end by themselves once everything else is done.
constexpr absl::Duration kStreamGrace = absl::Seconds(2);

// gRPC says in four lines of its own log what one line of ours says.
void ForwardGrpcLog(gpr_log_func_args* args) { Log(LogLevel::kDebug, args->message, {{"source", "grpc"}}); }

// Why nothing can listen on `address` now: tries it once more by itself.
std::string WhyNotListening(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string port = absl::StrCat(address.port);
  if (const int error = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return gai_strerror(error);
  }
  const absl::Cleanup free_found = [found] { freeaddrinfo(found); };
  const FileDescriptor probe(socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol));
  if (probe.get() < 0) return std::strerror(errno);
  const int one = 1;
  setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (bind(probe.get(), found->ai_addr, found->ai_addrlen) != 0 || listen(probe.get(), 1) != 0)
    return std::strerror(errno);
  return "the address was not accepted";
}

absl::Status CannotListen(absl::string_view option, const std::string& address) {
  DBN_ASSIGN_OR_RETURN(const ListenAddress parsed, ParseListenAddress(option, address));
  return WithReason(absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": ", WhyNotListening(parsed),
                                                        "; choose another address with ", option)),
                    "CANNOT_LISTEN", {{"address", address}});
}

// FAILED_PRECONDITION where it cannot be executed.
absl::StatusOr<std::string> FindWorkerBinary(const ServerConfig& config) {
  std::string binary = config.worker_binary;
  if (binary.empty()) {
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) return absl::InternalError(absl::StrCat("cannot find this program's own path: ", error.message()));
    binary = (self.parent_path() / "deepbindnet-worker").string();
  }
  DBN_RETURN_IF_ERROR(MakeProcessLauncher(binary).status());
  return binary;
}

JobEngineOptions MakeEngineOptions(const ServerConfig& config, std::string worker_binary) {
  JobEngineOptions options;
  options.data_dir = config.data_dir;
  options.worker_binary = std::move(worker_binary);
  options.slots = config.slots;
  options.cpu_threads = DefaultComputeThreads();
  options.gpus = GpuIds();
  options.max_queued = config.max_queued_jobs;
  options.max_jobs_per_user = config.max_jobs_per_user;
  options.max_running_per_user = config.max_running_per_user;
  options.min_free_bytes = static_cast<uint64_t>(config.min_free_disk_mib) << 20;
  options.stop_grace = absl::Seconds(config.stop_grace_seconds);
  return options;
}

RequestLimits MakeLimits(const ServerConfig& config) {
  RequestLimits limits;
  limits.max_upload_bytes = static_cast<uint64_t>(config.max_upload_mib) << 20;
  limits.min_free_bytes = static_cast<uint64_t>(config.min_free_disk_mib) << 20;
  limits.max_message_bytes = static_cast<size_t>(config.max_message_mib) << 20;
  limits.max_pairs = config.max_pairs_per_request;
  limits.max_smiles_length = static_cast<size_t>(config.max_smiles_length);
  limits.max_sequence_length = static_cast<size_t>(config.max_sequence_length);
  limits.max_streams_per_client = config.max_streams_per_client;
  return limits;
}

// Who the server is and who may call it.
struct Identity {
  std::unique_ptr<TlsIdentity> tls;  // Null: no TLS.
  std::unique_ptr<Authenticator> authenticator;
};

absl::StatusOr<Identity> LoadIdentity(const ServerConfig& config) {
  Identity identity;
  DBN_ASSIGN_OR_RETURN(identity.authenticator, Authenticator::Create(config.tokens_file));
  if (config.tls_cert.empty()) return identity;
  DBN_ASSIGN_OR_RETURN(identity.tls, TlsIdentity::Load({config.tls_cert, config.tls_key, config.tls_client_ca}));
  return identity;
}

BatcherOptions MakeBatcherOptions(const ServerConfig& config) {
  BatcherOptions options;
  options.max_batch_pairs = config.predict_max_batch;
  options.max_queued_pairs = config.predict_max_queue;
  options.max_delay = absl::Milliseconds(config.predict_max_delay_ms);
  return options;
}

}  // namespace

// In the order of construction; what comes later uses what comes before and is destroyed first.
struct Server::Parts {
  Parts(ServerConfig server_config, Identity loaded_identity, std::unique_ptr<Store> open_store)
      : config(std::move(server_config)),
        layout{config.data_dir},
        identity(std::move(loaded_identity)),
        metrics(DEEPBINDNET_VERSION),
        store(std::move(open_store)),
        executor(kExecutorThreads, kExecutorQueue),
        models(
            store.get(), layout,
            [device = config.device](const std::string& checkpoint) { return LoadPredictor(checkpoint, device); },
            config.max_loaded_models),
        explainer(1, kExplainQueue),
        batcher(MakeBatcherOptions(config), absl::Now, [this](const BatchStats& stats) { CountBatch(stats); }) {}

  void CountBatch(const BatchStats& stats) {
    metrics.BatchComputed(stats.pairs, stats.compute_time);
    for (const absl::Duration wait : stats.queue_times) metrics.RequestQueued(wait);
  }

  ServiceDependencies MakeServiceDependencies() {
    ServiceDependencies deps;
    deps.engine = engine.get();
    deps.store = store.get();
    deps.models = &models;
    deps.batcher = &batcher;
    deps.executor = &executor;
    deps.explainer = &explainer;
    deps.authenticator = identity.authenticator.get();
    deps.layout = layout;
    deps.limits = MakeLimits(config);
    deps.tls = identity.tls != nullptr;
    deps.version = DEEPBINDNET_VERSION;
    deps.start_time = absl::Now();
    deps.devices = DescribeDevices();
    return deps;
  }

  // Null without TLS.
  std::function<absl::Time()> CertificateExpiry() const {
    if (identity.tls == nullptr) return nullptr;
    return [tls = identity.tls.get()] { return tls->expires(); };
  }

  absl::Status Listen();
  void WarmDefaultModel();

  const ServerConfig config;
  const DataLayout layout;
  const Identity identity;
  Metrics metrics;
  std::unique_ptr<Store> store;
  std::unique_ptr<JobEngine> engine;
  Executor executor;
  ModelRegistry models;
  Executor explainer;
  Batcher batcher;
  std::unique_ptr<Service> service;
  std::unique_ptr<GrpcServer> grpc;
  std::unique_ptr<MetricsEndpoint> endpoint;
  bool is_drained = false;
};

absl::Status Server::Parts::Listen() {
  GrpcServerOptions options;
  options.address = config.listen;
  if (identity.tls != nullptr) options.credentials = identity.tls->credentials();
  options.max_message_bytes = MakeLimits(config).max_message_bytes;
  auto started = GrpcServer::Start(options, service.get(), &metrics);
  if (!started.ok()) return CannotListen("--listen", config.listen);
  grpc = *std::move(started);
  if (config.metrics_listen == "off") return absl::OkStatus();
  DBN_ASSIGN_OR_RETURN(const ListenAddress address, ParseListenAddress("--metrics-listen", config.metrics_listen));
  // The HTTP server takes numbers only.
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  const bool is_v6 = host.find(':') != std::string::npos;
  auto metrics_started =
      MetricsEndpoint::Start(absl::StrCat(is_v6 ? "[" : "", host, is_v6 ? "]" : "", ":", address.port),
                             {metrics.collectable(), std::make_shared<JobCollector>(store.get(), engine.get()),
                              std::make_shared<ProcessCollector>(),
                              std::make_shared<ResourceCollector>(config.data_dir, CertificateExpiry(), Nvml::Open())});
  if (!metrics_started.ok()) return CannotListen("--metrics-listen", config.metrics_listen);
  endpoint = *std::move(metrics_started);
  return absl::OkStatus();
}

// Ready means that the first prediction is as fast as the next.
void Server::Parts::WarmDefaultModel() {
  const absl::Status warmed = models.Warm("default");
  if (!warmed.ok()) Log(LogLevel::kError, "the default model cannot be loaded", {{"error", warmed.ToString()}});
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() {
  if (!parts_->is_drained) Drain(absl::Now());
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerConfig& config) {
  DBN_RETURN_IF_ERROR(CheckListenAddresses(config));
  DBN_RETURN_IF_ERROR(CheckDevice(config.device));
  gpr_set_log_function(ForwardGrpcLog);
  DBN_ASSIGN_OR_RETURN(Identity identity, LoadIdentity(config));
  DBN_ASSIGN_OR_RETURN(std::string worker_binary, FindWorkerBinary(config));
  SetComputeThreads(config.threads);
  DBN_ASSIGN_OR_RETURN(auto store, Store::Open(DataLayout{config.data_dir}.Database()));
  auto parts = std::make_unique<Parts>(config, std::move(identity), std::move(store));
  DBN_ASSIGN_OR_RETURN(parts->engine,
                       JobEngine::Create(MakeEngineOptions(config, std::move(worker_binary)), parts->store.get()));
  parts->batcher.Start();
  parts->service = std::make_unique<Service>(parts->MakeServiceDependencies());
  parts->WarmDefaultModel();
  DBN_RETURN_IF_ERROR(parts->Listen());
  // A server that cannot listen must not have started a worker.
  parts->engine->StartScheduling();
  parts->grpc->SetServing(true);
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

absl::Status Server::Check(const ServerConfig& config) {
  DBN_RETURN_IF_ERROR(CheckListenAddresses(config));
  DBN_RETURN_IF_ERROR(CheckDevice(config.device));
  DBN_RETURN_IF_ERROR(LoadIdentity(config).status());
  return FindWorkerBinary(config).status();
}

void Server::Reload() {
  const auto report = [](absl::string_view what, const absl::Status& reloaded) {
    if (reloaded.ok()) {
      Log(LogLevel::kInfo, absl::StrCat(what, " read again"));
    } else {
      Log(LogLevel::kError, absl::StrCat(what, " not read again and stay as they were"),
          {{"error", std::string(reloaded.message())}});
    }
  };
  const Identity& identity = parts_->identity;
  if (identity.authenticator->wants_tokens()) report("tokens are", identity.authenticator->Reload());
  if (identity.tls != nullptr) report("certificates are", identity.tls->Reload());
}

Server::Ports Server::ports() const {
  Ports ports;
  ports.grpc = parts_->grpc->port();
  if (parts_->endpoint != nullptr) ports.metrics = parts_->endpoint->port();
  return ports;
}

void Server::Drain(absl::Time deadline) {
  parts_->is_drained = true;
  parts_->grpc->SetServing(false);
  parts_->service->StartDraining();
  // What workers need to die and streams to end comes off the time that work may take.
  const absl::Duration patience = std::max(deadline - absl::Now(), absl::ZeroDuration());
  const absl::Time work_deadline = deadline - std::min(patience / 4, kStreamGrace);
  std::thread predictions([this, work_deadline] { parts_->batcher.Drain(work_deadline); });
  parts_->engine->Drain(work_deadline);
  predictions.join();
  Log(LogLevel::kDebug, "jobs and predictions are drained");
  parts_->service->EndWatches();
  parts_->grpc->Shutdown(std::min(deadline, absl::Now() + kStreamGrace));
  Log(LogLevel::kDebug, "calls are drained");
}

}  // namespace deepbindnet
