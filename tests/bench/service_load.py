"""Measures the server around the jobs: listings over many jobs, many watchers, memory. One JSON line a figure.

    service_load.py jobs [--jobs 10000]        p50 and p99 of GetStatus and of pages of ListJobs over finished jobs
    service_load.py watchers [--watchers 500]  how long an epoch takes to all watchers of one job
    service_load.py memory [--minutes 30]      memory of an idle server, and after as much load of every kind

The jobs of `jobs` and `memory` are done by a worker that does nothing (tests/bench/instant_worker.cc), because the server
is measured and not the training. Needs Debian's python3-grpcio; `make bench-service` sets the environment.
"""

import argparse
import asyncio
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time
import uuid

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import TINY, Cli, Server, generate_stubs, read_csv, synthesize

INSTANT_WORKER = os.environ["DEEPBINDNET_INSTANT_WORKER"]
CALLS = 2000  # Of each kind whose times are measured.
STREAMS_OF_A_CONNECTION = 100
EPOCHS_WATCHED = 20
SETTLE_SECONDS = 10  # For memory that is free to be given back.


def report(name, value, unit, goal=None):
    print(json.dumps({"name": name, "value": round(value, 4), "unit": unit, "goal": goal}), flush=True)


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


class Bench:
    """A server with a data set and a model, in a directory that goes in the end."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="deepbindnet-load-")
        generate_stubs(self.directory)
        sys.path.insert(0, self.directory)
        from deepbindnet.v1 import deepbindnet_pb2, deepbindnet_pb2_grpc
        self.pb, self.grpc = deepbindnet_pb2, deepbindnet_pb2_grpc
        self.server = Server(os.path.join(self.directory, "data"),
                             ["--max-streams-per-client", "10000", "--log-level", "warning"])
        self.server.start()
        self.csv = synthesize(os.path.join(self.directory, "demo.csv"))
        for command in (["datasets", "prepare", self.csv, "--name", "demo"],
                        ["train", "--dataset", "demo", "--name", "model", "--num-epochs", "1", *TINY]):
            cli = Cli(self.server, command)
            if cli.finish() != 0:
                sys.exit(f"{command}: {cli.error_text()}")
            cli.close()

    def close(self):
        self.server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def use_instant_worker(self):
        self.server.stop()
        self.server.options += ["--worker-binary", INSTANT_WORKER]
        self.server.start()

    def channel(self):
        return grpc.insecure_channel(self.server.address, options=[
            ("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_receive_message_length", 64 << 20)])

    def stub(self):
        return self.grpc.DeepBindNetStub(self.channel())

    def training(self, model, epochs, **options):
        return self.pb.StartTrainingRequest(
            spec={"model": model, "dataset": "demo", "options": {"num_epochs": epochs, **options}},
            request_id=str(uuid.uuid4()))

    def finished_jobs(self, stub):
        return not stub.ListJobs(self.pb.ListJobsRequest(states=["QUEUED", "RUNNING"], page_size=1)).jobs

    def resident_bytes(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as file:
            [line] = [line for line in file if line.startswith("VmRSS:")]
        return int(line.split()[1]) * 1024


def times_of(calls):
    """Seconds of each call, one after the other."""
    seconds = []
    for call in calls:
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return seconds


def measure_jobs(bench, args):
    bench.use_instant_worker()
    stub = bench.stub()
    ids = []
    begin = time.monotonic()
    for i in range(args.jobs):
        while True:
            try:
                ids.append(stub.StartTraining(bench.training(f"m{i}", 3)).id)
                break
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
                time.sleep(0.05)
    while not bench.finished_jobs(stub):
        time.sleep(0.1)
    report("finished_jobs_per_second", args.jobs / (time.monotonic() - begin), "jobs/s")
    source = random.Random(1)
    pb = bench.pb
    tokens = [""]
    while True:
        token = stub.ListJobs(pb.ListJobsRequest(page_size=50, page_token=tokens[-1])).next_page_token
        if not token:
            break
        tokens.append(token)
    kinds = {
        "get_status": lambda: stub.GetStatus(pb.GetStatusRequest(job=source.choice(ids))),
        "get_status_by_name": lambda: stub.GetStatus(pb.GetStatusRequest(job=f"m{source.randrange(args.jobs)}")),
        "list_jobs_page": lambda: stub.ListJobs(pb.ListJobsRequest(page_size=50, page_token=source.choice(tokens))),
        "list_jobs_rare_state": lambda: stub.ListJobs(pb.ListJobsRequest(page_size=50, states=["RUNNING"])),
        "list_jobs_by_name": lambda: stub.ListJobs(
            pb.ListJobsRequest(page_size=50, name_prefix=f"m{source.randrange(args.jobs)}")),
    }
    for name, call in kinds.items():
        seconds = times_of([call] * CALLS)
        report(f"{name}_p50", 1e3 * quantile(seconds, 0.5), "ms")
        report(f"{name}_p99", 1e3 * quantile(seconds, 0.99), "ms", 10)


async def follow(bench, stub, job, first_epochs, lags):
    """Notes how long after the server's own time of it each epoch arrives."""
    call = stub.WatchJob(bench.pb.WatchJobRequest(job=job))
    first = None
    async for event in call:
        if not event.HasField("epoch"):
            continue
        if first is None:
            first = event.epoch.epoch
            first_epochs.append(first)
        lag = time.time() - (event.time.seconds + event.time.nanos / 1e9)
        # What was told before this watcher came is not live.
        if event.epoch.epoch > bench.live_from:
            lags.setdefault(event.epoch.epoch, []).append(lag)
        if event.epoch.epoch >= bench.live_from + EPOCHS_WATCHED:
            call.cancel()
            return


async def watch_all(bench, job, count):
    # Channels with the same options would share one connection.
    channels = [grpc.aio.insecure_channel(bench.server.address, options=[
        ("grpc.enable_http_proxy", 0), ("grpc.primary_user_agent", f"connection-{i}")])
        for i in range(-(-count // STREAMS_OF_A_CONNECTION))]
    stubs = [bench.grpc.DeepBindNetStub(channel) for channel in channels]
    first_epochs, lags = [], {}
    bench.live_from = 10**9
    tasks = [asyncio.create_task(follow(bench, stubs[i % len(stubs)], job, first_epochs, lags)) for i in range(count)]
    while len(first_epochs) < count:
        await asyncio.sleep(0.1)
    status = await stubs[0].GetStatus(bench.pb.GetStatusRequest(job=job))
    bench.live_from = status.latest_epoch.epoch + 1
    await asyncio.gather(*tasks, return_exceptions=True)
    for channel in channels:
        await channel.close()
    return {epoch: values for epoch, values in lags.items() if len(values) == count}


def measure_watchers(bench, args):
    stub = bench.stub()
    # Slow enough that an epoch has reached everybody before the next one comes.
    job = stub.StartTraining(bench.training("watched", 100000, hidden_dim=128, patience=0, seed=7)).id
    time.sleep(SETTLE_SECONDS)
    before = bench.resident_bytes()
    lags = asyncio.run(watch_all(bench, job, args.watchers))
    stub.CancelJob(bench.pb.CancelJobRequest(job=job))
    if not lags:
        sys.exit("no epoch reached every watcher")
    report(f"epoch_to_{args.watchers}_watchers_median", 1e3 * quantile([max(each) for each in lags.values()], 0.5), "ms")
    report(f"epoch_to_{args.watchers}_watchers_worst", 1e3 * max(max(each) for each in lags.values()), "ms")
    report("epochs_that_reached_every_watcher", len(lags), "epochs")
    report("memory_of_a_watcher", (bench.resident_bytes() - before) / args.watchers / 1024, "KiB")


def measure_memory(bench, args):
    bench.use_instant_worker()
    time.sleep(SETTLE_SECONDS)
    report("idle_memory", bench.resident_bytes() / 2**20, "MiB")
    row = read_csv(bench.csv)[0]
    predict = bench.pb.PredictRequest(model="model", smiles=[row["compound_iso_smiles"]],
                                      sequences=[row["target_sequence"]], pairs=[{}] * 64)
    end = time.monotonic() + 60 * args.minutes
    done = {"predictions": 0, "jobs": 0, "watches": 0, "lists": 0}

    def repeat(kind, call):
        stub = bench.stub()
        while time.monotonic() < end:
            if call(stub) is not False:
                done[kind] += 1

    def train(stub):
        try:
            job = stub.StartTraining(bench.training(f"job-{uuid.uuid4()}", 3)).id
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            time.sleep(0.1)
            return False
        for _ in stub.WatchJob(bench.pb.WatchJobRequest(job=job)):
            pass
        done["watches"] += 1
        # A server that keeps every job for ever grows with them: this measures what else grows.
        stub.DeleteModel(bench.pb.DeleteModelRequest(model=stub.GetStatus(bench.pb.GetStatusRequest(job=job)).name))
        stub.DeleteJob(bench.pb.DeleteJobRequest(job=job))
        return True

    loads = [("predictions", lambda stub: stub.Predict(predict)), ("jobs", train), ("jobs", train),
             ("lists", lambda stub: stub.ListJobs(bench.pb.ListJobsRequest(page_size=100)))]
    threads = [threading.Thread(target=repeat, args=load, daemon=True) for load in loads]
    for thread in threads:
        thread.start()
    # The first tenth fills caches and pools.
    time.sleep(6 * args.minutes)
    warm = bench.resident_bytes()
    report("memory_after_a_tenth_of_the_load", warm / 2**20, "MiB")
    for thread in threads:
        thread.join()
    report("memory_after_the_load", bench.resident_bytes() / 2**20, "MiB")
    report("memory_growth", (bench.resident_bytes() - warm) / 2**20, "MiB")
    for kind, count in done.items():
        report(f"load_{kind}", count, kind)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    figures = parser.add_subparsers(dest="figure", required=True)
    jobs = figures.add_parser("jobs")
    jobs.add_argument("--jobs", type=int, default=10000)
    jobs.set_defaults(measure=measure_jobs)
    watchers = figures.add_parser("watchers")
    watchers.add_argument("--watchers", type=int, default=500)
    watchers.set_defaults(measure=measure_watchers)
    memory = figures.add_parser("memory")
    memory.add_argument("--minutes", type=float, default=30)
    memory.set_defaults(measure=measure_memory)
    args = parser.parse_args()
    bench = Bench()
    try:
        args.measure(bench, args)
    finally:
        bench.close()


if __name__ == "__main__":
    main()
