#include <memory>
#include <string>

#include "core/data/synthesize.h"
#include "server/worker/commands.h"
#include "server/worker/stop.h"

namespace deepbindnet {
namespace {

struct Options {
  std::string out;
  SynthesizeOptions synthesize;
};

int Run(const Options& options, Console* console) {
  HandleStopSignals(OnStop::kExit);
  const auto summary = Synthesize(options.out, options.synthesize);
  if (!summary.ok()) return console->Fail(summary.status());
  console->Line(*summary);
  console->Object({{"state", "SUCCEEDED"}, {"file", options.out}, {"summary", *summary}});
  return kDone;
}

}  // namespace

void AddSynthesizeCommand(CLI::App* app, Action* action) {
  CLI::App* const command =
      app->add_subcommand("synthesize", "Write a small data set with a known rule to try things on");
  const auto options = std::make_shared<Options>();
  command->add_option("--out", options->out, "CSV file to write")->required()->type_name("FILE");
  command->add_option("--pairs", options->synthesize.pairs, "Rows, 100..1000000 [4000]")->type_name("COUNT");
  command->add_option("--seed", options->synthesize.seed, "Seed: the same seed writes the same file [42]")
      ->type_name("COUNT");
  command->callback([options, action] { *action = [options](Console* console) { return Run(*options, console); }; });
}

}  // namespace deepbindnet
