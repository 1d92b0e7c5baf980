#include "tests/bench/figures.h"

#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

namespace deepbindnet {
namespace {

constexpr char kRate[] = "per_second";

std::map<std::string, Figure>& Figures() {
  static auto* figures = new std::map<std::string, Figure>;
  return *figures;
}

class JsonLinesReporter : public benchmark::BenchmarkReporter {
 public:
  bool failed() const { return failed_; }

  bool ReportContext(const Context& context) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const Figure& figure = Figures().at(run.run_name.function_name);
      const auto rate = run.counters.find(kRate);
      if (run.error_occurred || rate == run.counters.end()) {
        std::cerr << figure.name << ": " << run.error_message << "\n";
        failed_ = true;
        continue;
      }
      const nlohmann::ordered_json line = {
          {"name", figure.name}, {"value", rate->second.value}, {"unit", figure.unit}, {"goal", figure.goal}};
      std::cout << line.dump() << std::endl;
    }
  }

 private:
  bool failed_ = false;
};

}  // namespace

bool AddFigure(const Figure& figure) {
  Figures()[figure.name] = figure;
  benchmark::internal::Benchmark* registered = benchmark::RegisterBenchmark(figure.name.c_str(), figure.body);
  registered->UseRealTime();
  if (figure.once) registered->Iterations(1);
  return true;
}

void ReportItems(benchmark::State& state, double items) {
  state.counters[kRate] = benchmark::Counter(items, benchmark::Counter::kIsIterationInvariantRate);
}

void ReportRate(benchmark::State& state, double per_second) { state.counters[kRate] = per_second; }

int RunFigures() {
  JsonLinesReporter reporter;
  const size_t run = benchmark::RunSpecifiedBenchmarks(&reporter);
  if (run == 0) std::cerr << "no figure has that name\n";
  return run == 0 || reporter.failed() ? 1 : 0;
}

}  // namespace deepbindnet
