// deepbindnet_bench [--benchmark_filter=REGEX]: measures the figures of this folder.
#include <benchmark/benchmark.h>

#include "core/compute/threads.h"
#include "tests/bench/figures.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  deepbindnet::SetComputeThreads(0);  // As the worker does.
  return deepbindnet::RunFigures();
}
