// The figures that `make bench` reports: one JSON object a line, {"name", "value", "unit", "goal"}; larger is better.
#ifndef DEEPBINDNET_TESTS_BENCH_FIGURES_H_
#define DEEPBINDNET_TESTS_BENCH_FIGURES_H_

#include <benchmark/benchmark.h>

#include <string>

namespace deepbindnet {

struct Figure {
  std::string name;  // Says what is counted, and "per_second".
  std::string unit;
  double goal = 0.0;                                // On 2 CPU cores.
  void (*body)(benchmark::State& state) = nullptr;  // Calls ReportItems() or ReportRate() at its end.
  bool once = false;                                // Too long to repeat: one iteration.
};

// Registers `figure` with Google Benchmark. Returns true, so that a file can register its figures in a static
// initialiser.
bool AddFigure(const Figure& figure);

// Reports `items` handled in each iteration of `state`, per second of wall-clock time.
void ReportItems(benchmark::State& state, double items);

// Reports a rate that was measured elsewhere.
void ReportRate(benchmark::State& state, double per_second);

// Runs every figure, or those that --benchmark_filter names, and prints their lines. Returns the exit code: 1 where one
// failed or none was run.
int RunFigures();

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_BENCH_FIGURES_H_
