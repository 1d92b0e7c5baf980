# The commands of everyday work; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

JOBS ?= $(shell nproc)
TEST_JOBS ?= 2
BUILD_DIR := build/release
CLANG_DIR := build/clang
# What the demo uploads: a CSV of the caller's, or empty for the synthetic data set.
CSV ?=
# What bench-steps trains on: a directory that preprocess wrote.
DATA_DIR ?= data/processed
# What bench-accuracy and bench-service measure: a figure of tests/bench/accuracy.py, on the CSV file DATA, or of
# tests/bench/service_load.py, with its options.
FIGURE ?= --help
DATA ?=
PEERS ?=
# Of the chaos test.
KILLS ?= 50
SEED ?= 1

sources = $(shell git ls-files '*.cc' '*.h')

.PHONY: help deps configure build demo test chaos core-test bench bench-steps bench-service bench-accuracy format format-check include-check thread-safety lint image

help:  ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

deps:  ## Install the Debian packages that are missing
	@deploy/packages/install.sh deploy/packages/build.txt deploy/packages/runtime.txt deploy/packages/test.txt

configure:
	cmake --preset release --log-level=WARNING

build: configure  ## Compile everything into build/release/bin
	cmake --build --preset release --parallel $(JOBS)

demo: deps  ## From nothing to a prediction and a comparison; CSV=FILE uses your data
	$(MAKE) build
	BIN_DIR=$(CURDIR)/$(BUILD_DIR)/bin CSV='$(CSV)' deploy/demo/demo.sh

test: deps  ## Install what is missing, compile, and run every test
	$(MAKE) build
	OMP_WAIT_POLICY=PASSIVE ctest --test-dir $(BUILD_DIR) --output-on-failure --no-tests=error --parallel $(TEST_JOBS)

chaos: build  ## Kill the server and its workers KILLS times each under load, at moments chosen by SEED; prints the counts
	DEEPBINDNET_BIN_DIR=$(CURDIR)/$(BUILD_DIR)/bin DEEPBINDNET_SOURCE_DIR=$(CURDIR) CHAOS_KILLS=$(KILLS) CHAOS_SEED=$(SEED) \
	  /usr/bin/python3 -B tests/e2e/chaos_test.py

core-test:  ## Compile core alone, without RDKit and the service, and run its tests
	cmake --preset core --log-level=WARNING
	cmake --build --preset core --parallel $(JOBS)
	OMP_WAIT_POLICY=PASSIVE ctest --preset core --no-tests=error --parallel $(TEST_JOBS)

# Each `make build` says OFF again: the release preset does.
bench:  ## Measure; one JSON line per figure on standard output
	@cmake --preset release -DDEEPBINDNET_BUILD_BENCHMARKS=ON >&2
	@cmake --build --preset release --parallel $(JOBS) --target deepbindnet_bench >&2
	@OMP_WAIT_POLICY=PASSIVE $(BUILD_DIR)/tests/deepbindnet_bench

bench-steps:  ## Measure training steps on the processed data DATA_DIR: seconds an epoch, and where they go
	@cmake --preset release -DDEEPBINDNET_BUILD_BENCHMARKS=ON >&2
	@cmake --build --preset release --parallel $(JOBS) --target deepbindnet_step_bench >&2
	@OMP_WAIT_POLICY=PASSIVE $(BUILD_DIR)/tests/deepbindnet_step_bench '$(DATA_DIR)'

bench-service:  ## Measure the server around the jobs, one FIGURE: jobs, watchers or memory, with its options
	@cmake --preset release -DDEEPBINDNET_BUILD_BENCHMARKS=ON --log-level=WARNING >&2
	@cmake --build --preset release --parallel $(JOBS) --target deepbindnet_instant_worker deepbindnet-server \
	  deepbindnet-worker deepbindnet >&2
	@DEEPBINDNET_BIN_DIR=$(CURDIR)/$(BUILD_DIR)/bin DEEPBINDNET_SOURCE_DIR=$(CURDIR) \
	  DEEPBINDNET_INSTANT_WORKER=$(CURDIR)/$(BUILD_DIR)/tests/deepbindnet_instant_worker \
	  /usr/bin/python3 tests/bench/service_load.py $(FIGURE)

bench-accuracy:  ## Measure accuracy, one FIGURE with its options on the CSV file DATA, against PEERS where it has any
	@cmake --preset release --log-level=WARNING >&2
	@cmake --build --preset release --parallel $(JOBS) --target deepbindnet-worker >&2
	@/usr/bin/python3 tests/bench/accuracy.py $(FIGURE) $(if $(DATA),--csv '$(DATA)') $(if $(PEERS),--peers '$(PEERS)')

format:  ## Format the sources in place
	@clang-format -i $(sources)

format-check:  ## Fail where a source is not formatted
	@clang-format --dry-run --Werror $(sources)

include-check:  ## Fail where an #include goes against the layers
	python3 tests/architecture/include_directions.py .

# Objects only: the analysis is clang's front end's, so nothing has to be optimised or linked.
thread-safety:  ## Compile our code with clang, -Wthread-safety and -Werror
	cmake --preset clang -DCMAKE_COMPILE_WARNING_AS_ERROR=ON -DCMAKE_CXX_FLAGS_DEBUG=-O0 > /dev/null
	ninja -C $(CLANG_DIR) -t targets all | sed -n 's/^\(.*\.o\): CXX_COMPILER.*/\1/p' | grep -v '^proto/CMakeFiles/' \
	  | xargs ninja -C $(CLANG_DIR) -j $(JOBS)

lint: include-check thread-safety  ## Include directions, thread safety and clang-tidy
	run-clang-tidy -quiet -p $(CLANG_DIR) -j $(JOBS) '^$(CURDIR)/(core|proto|server|client|deploy|tests)/.*\.cc$$'

image:  ## Build the container image deepbindnet:latest
	@if command -v docker > /dev/null; then docker build -t deepbindnet:latest .; \
	elif command -v podman > /dev/null; then podman build --format docker -t deepbindnet:latest .; \
	else echo "make image needs docker or podman" >&2; exit 1; fi
