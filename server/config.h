// What the operator decides: command line, environment (DEEPBINDNET_*), configuration file; in that order.
#ifndef DEEPBINDNET_SERVER_CONFIG_H_
#define DEEPBINDNET_SERVER_CONFIG_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "server/logging/logging.h"

namespace deepbindnet {

struct ServerConfig {
  std::string listen = "127.0.0.1:50051";         // HOST:PORT of gRPC; port 0 takes a free one.
  std::string metrics_listen = "127.0.0.1:9464";  // HOST:PORT of /metrics; "off" serves none.
  std::string data_dir = "./deepbindnet-data";
  std::string worker_binary;      // Empty: beside the server's own binary.
  bool insecure = false;          // May listen beyond loopback without TLS and tokens.
  bool insecure_metrics = false;  // --metrics-listen may be beyond loopback: it has no TLS.
  std::string tls_cert;           // PEM files; both or none. None: no TLS.
  std::string tls_key;
  std::string tls_client_ca;          // PEM file: clients must have a certificate of one of these authorities.
  std::string tokens_file;            // See server/auth/token_file.h. Empty: every caller is an admin.
  int slots = 1;                      // Jobs that share the CPU side by side, 1..64; each GPU is one slot more.
  int max_queued_jobs = 1000;         // 1..1000000
  int max_jobs_per_user = 0;          // That have not ended, 0..1000000; 0: any number.
  int max_running_per_user = 0;       // 0..1000; 0: any number.
  int min_free_disk_mib = 256;        // With less free, jobs are paused; 0..1048576, 0: only when nothing is left.
  int stop_grace_seconds = 30;        // From SIGTERM to SIGKILL of a worker, 0..3600.
  int threads = 0;                    // Of one prediction, 0..1024; 0: OMP_NUM_THREADS, else one a usable core.
  std::string device = "auto";        // Predictions run on "auto", "cpu", "cuda" or "cuda:N".
  int max_loaded_models = 4;          // 1..1000
  int predict_max_batch = 1024;       // Pairs, 1..4096.
  int predict_max_queue = 16384;      // Pairs, 4096..10000000: a largest request always fits.
  double predict_max_delay_ms = 2.0;  // 0..1000
  int max_upload_mib = 8192;          // 1..1048576
  int max_message_mib = 33;           // 1..1024
  int max_pairs_per_request = 4096;   // 1..4096
  int max_smiles_length = 4096;       // Characters, 1..4096.
  int max_sequence_length = 10000;    // Residues, 1..10000.
  int max_streams_per_client = 256;   // 1..100000
  int drain_timeout_seconds = 30;     // 1..3600
  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;
};

// A parsed command line: a configuration, a subcommand to run instead, or what to print and exit with.
struct CommandLine {
  std::optional<ServerConfig> config;
  int exit_code = 0;
  std::string text;  // For standard output where exit_code is 0 (--help, --version), else for standard error.
  std::function<int()> subcommand;  // Returns the exit code.
  bool check_only = false;          // --check-config: say whether a server would start with `config`.
};

// `arguments` without the program's name.
CommandLine ParseCommandLine(const std::vector<std::string>& arguments, absl::string_view version);

struct ListenAddress {
  std::string host;
  int port = 0;
};

// "HOST:PORT" or "[IPV6]:PORT"; INVALID_ARGUMENT names `field`.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view field, absl::string_view address);

// localhost, 127.0.0.0/8 and ::1.
bool IsLoopback(absl::string_view host);

// INVALID_ARGUMENT where an address cannot be parsed, or is beyond loopback without TLS and tokens (gRPC) and without
// the option that allows it.
absl::Status CheckListenAddresses(const ServerConfig& config);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_CONFIG_H_
