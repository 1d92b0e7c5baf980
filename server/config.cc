#include "server/config.h"

#include <arpa/inet.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "proto/flags/option_names.h"
#include "server/auth/tokens_command.h"

namespace deepbindnet {
namespace {

std::string EnvironmentName(const std::string& name) {
  return absl::StrCat("DEEPBINDNET_", absl::AsciiStrToUpper(absl::StrReplaceAll(name, {{"-", "_"}})));
}

template <typename Value>
CLI::Option* Add(CLI::App* app, const std::string& name, Value* value, const std::string& description) {
  return app->add_option(absl::StrCat("--", name), *value, description)
      ->envname(EnvironmentName(name))
      ->capture_default_str();
}

void AddFlag(CLI::App* app, const std::string& name, bool* value, const std::string& description) {
  app->add_flag(absl::StrCat("--", name), *value, description)->envname(EnvironmentName(name));
}

// CLI11 lets the file go before the environment; this one leaves out what the environment says. Names have either
// spelling, as on the command line.
class FileBelowEnvironment final : public CLI::ConfigTOML {
 public:
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    std::vector<CLI::ConfigItem> items = CLI::ConfigTOML::from_config(input);
    items.erase(std::remove_if(items.begin(), items.end(),
                               [](const CLI::ConfigItem& item) {
                                 return std::getenv(EnvironmentName(item.name).c_str()) != nullptr;
                               }),
                items.end());
    for (CLI::ConfigItem& item : items) std::replace(item.name.begin(), item.name.end(), '_', '-');
    return items;
  }
};

void AddAddresses(CLI::App* app, ServerConfig* config) {
  Add(app, "listen", &config->listen, "HOST:PORT for gRPC; port 0 takes a free one");
  Add(app, "metrics-listen", &config->metrics_listen, "HOST:PORT for Prometheus (/metrics), or off");
  AddFlag(app, "insecure", &config->insecure, "Let --listen be beyond loopback without TLS and tokens");
  AddFlag(app, "insecure-metrics", &config->insecure_metrics,
          "Let --metrics-listen be beyond loopback: it tells the names of models and jobs, in clear text");
}

void AddSecurity(CLI::App* app, ServerConfig* config) {
  Add(app, "tls-cert", &config->tls_cert, "PEM file of the server's certificate and those that lead to an authority")
      ->type_name("FILE");
  Add(app, "tls-key", &config->tls_key, "PEM file of its key, without a pass phrase; both or none")->type_name("FILE");
  Add(app, "tls-client-ca", &config->tls_client_ca,
      "PEM file of authorities: clients must have a certificate of one of them (mTLS)")
      ->type_name("FILE");
  Add(app, "tokens-file", &config->tokens_file,
      "File that `deepbindnet-server tokens` writes: who may call, and as what (default: everybody as admin)")
      ->type_name("FILE");
}

void AddJobs(CLI::App* app, ServerConfig* config) {
  Add(app, "data-dir", &config->data_dir, "Directory of everything that is kept; made where missing");
  Add(app, "worker-binary", &config->worker_binary, "Path of deepbindnet-worker (default: beside this program)");
  Add(app, "slots", &config->slots,
      "Jobs that share the CPU side by side, 1 to 64; each GPU is one slot more, for trainings and comparisons")
      ->check(CLI::Range(1, 64));
  Add(app, "max-queued-jobs", &config->max_queued_jobs, "Jobs that may wait, 1 to 1000000")
      ->check(CLI::Range(1, 1000000));
  Add(app, "max-jobs-per-user", &config->max_jobs_per_user,
      "Jobs of one user that have not ended, 0 to 1000000; 0: any number")
      ->check(CLI::Range(0, 1000000));
  Add(app, "max-running-per-user", &config->max_running_per_user,
      "Jobs of one user that run side by side, 0 to 1000; further ones wait; 0: any number")
      ->check(CLI::Range(0, 1000));
  Add(app, "min-free-disk-mib", &config->min_free_disk_mib,
      "MiB: with less free where --data-dir is, jobs are paused until twice as much is; 0 to 1048576; 0: only when "
      "nothing is left")
      ->check(CLI::Range(0, 1048576));
  Add(app, "stop-grace", &config->stop_grace_seconds,
      "Seconds a worker may take to stop before it is killed, 0 to 3600")
      ->check(CLI::Range(0, 3600));
  Add(app, "drain-timeout", &config->drain_timeout_seconds, "Seconds that a stop may take, 1 to 3600")
      ->check(CLI::Range(1, 3600));
}

void AddLimits(CLI::App* app, ServerConfig* config) {
  Add(app, "max-upload-mib", &config->max_upload_mib, "Largest data set file in MiB, 1 to 1048576")
      ->check(CLI::Range(1, 1048576));
  Add(app, "max-message-mib", &config->max_message_mib, "Largest message of a client in MiB, 1 to 1024")
      ->check(CLI::Range(1, 1024));
  Add(app, "max-pairs-per-request", &config->max_pairs_per_request, "Pairs of one Predict call, 1 to 4096")
      ->check(CLI::Range(1, 4096));
  Add(app, "max-smiles-length", &config->max_smiles_length, "Characters of one SMILES, 1 to 4096")
      ->check(CLI::Range(1, 4096));
  Add(app, "max-sequence-length", &config->max_sequence_length, "Residues of one protein to predict for, 1 to 10000")
      ->check(CLI::Range(1, 10000));
  Add(app, "max-streams-per-client", &config->max_streams_per_client,
      "Streams (watches, uploads, downloads) that one token, or one address without tokens, may have open, 1 to 100000")
      ->check(CLI::Range(1, 100000));
}

void AddPrediction(CLI::App* app, ServerConfig* config) {
  Add(app, "threads", &config->threads,
      "Threads of one prediction, 0 to 1024; 0: OMP_NUM_THREADS, else one a usable core")
      ->check(CLI::Range(0, 1024));
  Add(app, "device", &config->device, "Device of predictions: auto, cpu, cuda or cuda:N");
  Add(app, "max-loaded-models", &config->max_loaded_models, "Models kept in memory, 1 to 1000")
      ->check(CLI::Range(1, 1000));
  Add(app, "predict-max-batch", &config->predict_max_batch, "Pairs computed at once, 1 to 4096")
      ->check(CLI::Range(1, 4096));
  Add(app, "predict-max-queue", &config->predict_max_queue, "Pairs that may wait, 4096 to 10000000")
      ->check(CLI::Range(4096, 10000000));
  Add(app, "predict-max-delay-ms", &config->predict_max_delay_ms,
      "Milliseconds a prediction waits for others to share its batch, 0 to 1000")
      ->check(CLI::Range(0.0, 1000.0));
}

void AddLogging(CLI::App* app, ServerConfig* config) {
  static const std::map<std::string, LogFormat> kFormats = {{"text", LogFormat::kText}, {"json", LogFormat::kJson}};
  std::map<std::string, LogLevel> levels;
  for (size_t i = 0; i < LogLevelNames().size(); ++i) levels[LogLevelNames()[i]] = static_cast<LogLevel>(i);
  app->add_option("--log-format", config->log_format, "text (default) or json, on standard error")
      ->envname(EnvironmentName("log-format"))
      ->transform(CLI::CheckedTransformer(kFormats).description(""));
  app->add_option("--log-level", config->log_level, "debug, info (default), warning or error")
      ->envname(EnvironmentName("log-level"))
      ->transform(CLI::CheckedTransformer(levels).description(""));
}

CommandLine Printed(int exit_code, std::string text) {
  CommandLine command_line;
  command_line.exit_code = exit_code;
  command_line.text = std::move(text);
  return command_line;
}

CommandLine Failure(absl::string_view message) {
  return Printed(2, absl::StrCat("error: ", message, "; --help lists the options"));
}

bool IsDevice(absl::string_view device) {
  int index = 0;
  return device == "auto" || device == "cpu" || device == "cuda" ||
         (absl::ConsumePrefix(&device, "cuda:") && absl::SimpleAtoi(device, &index) && index >= 0);
}

absl::Status CheckConfig(const ServerConfig& config) {
  if (!IsDevice(config.device)) return InvalidField("--device", config.device, "is not auto, cpu, cuda or cuda:N");
  if (config.data_dir.empty()) return InvalidField("--data-dir", "", "is not a directory");
  if (config.tls_cert.empty() != config.tls_key.empty()) {
    return InvalidField(config.tls_cert.empty() ? "--tls-cert" : "--tls-key", "",
                        "is missing; give --tls-cert and --tls-key, or neither");
  }
  if (!config.tls_client_ca.empty() && config.tls_cert.empty()) {
    return InvalidField("--tls-client-ca", config.tls_client_ca, "needs TLS; give --tls-cert and --tls-key too");
  }
  return CheckListenAddresses(config);
}

}  // namespace

CommandLine ParseCommandLine(const std::vector<std::string>& arguments, absl::string_view version) {
  ServerConfig config;
  CLI::App app("Trains and serves drug-target affinity models over gRPC.", "deepbindnet-server");
  AddAddresses(&app, &config);
  AddSecurity(&app, &config);
  AddJobs(&app, &config);
  AddLimits(&app, &config);
  AddPrediction(&app, &config);
  AddLogging(&app, &config);
  app.set_config("--config", "", "File with these options, one NAME = VALUE a line (TOML or INI)")
      ->envname("DEEPBINDNET_CONFIG");
  CommandLine command_line;
  app.add_flag("--check-config", command_line.check_only,
               "Check these options and the files that they name, say what is wrong, and start nothing");
  AddTokensCommand(&app, &std::cout, &std::cerr, &command_line.subcommand);
  app.config_formatter(std::make_shared<FileBelowEnvironment>());
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_version_flag("--version", absl::StrCat("deepbindnet-server ", version));
  app.footer(
      "Every option also works with '_' for '-', and can be set as DEEPBINDNET_NAME in the environment, for example\n"
      "DEEPBINDNET_DATA_DIR.");
  try {
    const std::vector<std::string> normalized = NormalizeOptionNames(arguments);
    // CLI11 takes the arguments from the back.
    app.parse(std::vector<std::string>(normalized.rbegin(), normalized.rend()));
  } catch (const CLI::CallForHelp&) {
    return Printed(0, app.help());
  } catch (const CLI::CallForVersion& call) {
    return Printed(0, absl::StrCat(call.what(), "\n"));
  } catch (const CLI::ParseError& error) {
    return Failure(error.what());
  }
  if (command_line.subcommand != nullptr) return command_line;
  if (const absl::Status checked = CheckConfig(config); !checked.ok()) return Failure(checked.message());
  command_line.config = std::move(config);
  return command_line;
}

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view field, absl::string_view address) {
  const size_t colon = address.rfind(':');
  ListenAddress parsed;
  absl::string_view host = address.substr(0, colon == absl::string_view::npos ? 0 : colon);
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) {
    host = host.substr(1, host.size() - 2);
  } else if (absl::StrContains(host, ':')) {
    host = "";  // An IPv6 address needs its brackets.
  }
  parsed.host = std::string(host);
  const bool has_port = colon != absl::string_view::npos && absl::SimpleAtoi(address.substr(colon + 1), &parsed.port);
  if (!host.empty() && has_port && parsed.port >= 0 && parsed.port <= 65535) return parsed;
  return InvalidField(field, address, "is not HOST:PORT with a port in 0..65535, for example 127.0.0.1:50051");
}

bool IsLoopback(absl::string_view host) {
  const std::string text(host);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

absl::Status CheckListenAddresses(const ServerConfig& config) {
  DBN_ASSIGN_OR_RETURN(const ListenAddress listen, ParseListenAddress("--listen", config.listen));
  const bool is_secure = !config.tls_cert.empty() && !config.tokens_file.empty();
  if (!IsLoopback(listen.host) && !is_secure && !config.insecure) {
    return InvalidField("--listen", config.listen,
                        "is reachable from other machines; give --tls-cert, --tls-key and --tokens-file, listen on "
                        "127.0.0.1, or say --insecure where the network is trusted");
  }
  if (config.metrics_listen == "off") return absl::OkStatus();
  DBN_ASSIGN_OR_RETURN(const ListenAddress metrics, ParseListenAddress("--metrics-listen", config.metrics_listen));
  if (IsLoopback(metrics.host) || config.insecure || config.insecure_metrics) return absl::OkStatus();
  return InvalidField("--metrics-listen", config.metrics_listen,
                      "is reachable from other machines, and metrics have neither TLS nor tokens; listen on 127.0.0.1, "
                      "or say --insecure-metrics where the network is trusted");
}

}  // namespace deepbindnet
