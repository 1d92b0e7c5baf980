"""Reproduces the published figures of accuracy and training speed, one command a figure.

    accuracy.py equal-time --csv KIBA.csv --dataset kiba --minutes 30 --peers dta_peers.py
    accuracy.py long --csv KIBA.csv --dataset kiba --minutes 150
    accuracy.py cold --csv KIBA.csv --seeds 1 2 3 4 5 --minutes 10
    accuracy.py gate --csv KIBA.csv --seeds 1 2 3 --epochs 20 --label-noise 0 0.5
    accuracy.py seeds --csv KIBA.csv --seeds 1 2 3 --minutes 10

Runs come one after the other, never two at once. Each result is a JSON line on standard output; tables and summaries
come last. A run that has finished below the work directory is not run again, and a training that was stopped goes on:
start an interrupted command again as it was. Needs Debian's python3-numpy and python3-torch; the peers need
python3-rdkit, too.
"""

import argparse
import csv
import ctypes.util
import hashlib
import json
import math
import os
import pathlib
import shlex
import signal
import statistics
import subprocess
import sys
import time

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
METRICS = ("mse", "rmse", "mae", "r2", "ci", "rm2")
SPLITS = ("cold_drug", "cold_target", "cold_both")
UNITS = {"kiba": "KIBA", "davis": "pKd"}
STOPPED = 75  # The worker's exit code after a signal.
# As in server/runtime/runtime.cc.
MALLOC_CONF = "background_thread:true,dirty_decay_ms:5000,muzzy_decay_ms:5000,thp:always"


def fail(message):
    sys.exit(f"accuracy.py: {message}")


class Bench:
    """The runs of one figure and their results."""

    def __init__(self, args):
        self.args = args
        self.rows = []

    def run(self, name, command, program, contents="", environment=None):
        """The folder in which `command`, which is `program`'s, has run: run.json tells of the run, output.jsonl is what
        it printed. Reuses the folder where the same command, on input with the same digest `contents` and with the same
        additions to the environment, has finished."""
        key = hashlib.sha256(json.dumps([command, contents, environment]).encode()).hexdigest()[:12]
        folder = self.args.work_dir / f"{name}-{key}"
        build = sha256(program)
        if (folder / "run.json").exists():
            other = "" if read_record(folder)["program_sha256"] == build else \
                ", by another build: remove the folder to run it again"
            print(f"{folder.name}: finished before{other}", file=sys.stderr)
            return folder
        print(f"{folder.name}: {shlex.join(command)}", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        resumed = (folder / "output/latest_checkpoint.pt").exists()
        load, started = os.getloadavg()[0], time.perf_counter()
        execute(command, folder, environment)
        record = {"command": command, "result": read_lines(folder)[-1], "resumed": resumed,
                  "wall_seconds": time.perf_counter() - started, "load_average": [load, os.getloadavg()[0]],
                  "cpu": cpu_model(), "cores": usable_cores(), "program_sha256": build}
        unfinished = folder / "run.json.new"
        unfinished.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        unfinished.rename(folder / "run.json")
        return folder

    def preprocess(self, csv_file, *options):
        """The folder with `csv_file` as a data set in `processed`."""
        command = [str(self.args.worker), "preprocess", "--json", "--input-file", str(csv_file), "--output-dir",
                   "processed", *options]
        return self.run("data", command, self.args.worker, sha256(csv_file))

    def by_folds(self):
        """The data set with the given folds; a seeded 10 % of the training folds is its validation part."""
        column = self.args.split_column
        return self.preprocess(self.args.csv, *(["--split-column", column] if column else []))

    def train(self, data, model, **labels):
        """The row of one training of `model`, which has the seed that `labels` names, if any."""
        args = self.args
        budget = {"--max-minutes": args.minutes, "--num-epochs": 100000} if args.minutes else \
            {"--num-epochs": args.epochs}
        options = ["--model-type", model, *(["--seed", str(labels["seed"])] if "seed" in labels else []),
                   *with_defaults(args.train_options, {**budget, "--patience": 0})]
        command = [str(args.worker), "train", "--json", "--resume", "--data-dir", f"../{data.name}/processed",
                   "--output-dir", "output", "--evaluate-test", "false", *options]
        folder = self.run(model, command, args.worker)
        result = read_record(folder)["result"]
        names = [f"val_{metric}" for metric in METRICS]
        names += ["pairs_per_second", "training_seconds", "epochs_run", "best_epoch", "parameters"]
        return {"model": model, **labels, **self.test_metrics(data, folder, result["digest"]),
                **{name: result[name] for name in names}, "options": shlex.join(options), **facts(folder)}

    def test_metrics(self, data, training, digest):
        """Those of the model with this digest, where they are asked for: the one time that the test part is read."""
        if self.args.part == "val":
            return {}
        command = [str(self.args.worker), "evaluate", "--json", "--checkpoint", f"../{training.name}/output/best_model.pt",
                   "--data-dir", f"../{data.name}/processed"]
        result = read_record(self.run("test", command, self.args.worker, digest))["result"]
        return {**{f"test_{metric}": result[metric] for metric in METRICS}, "test_pairs": result["pairs"]}

    def emit(self, row):
        row = {"figure": self.args.figure, **row}
        print(json.dumps(row), flush=True)
        self.rows.append(row)
        return row

    def close(self):
        if self.args.out:
            with open(self.args.out, "a", encoding="utf-8") as out:
                out.writelines(json.dumps(row) + "\n" for row in self.rows)


def execute(command, folder, environment):
    """Waits for `command`, whose output goes to output.jsonl, and stops it when this program is stopped."""
    with open(folder / "output.jsonl", "wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, env={**os.environ, **(environment or {})})
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    if code == STOPPED:
        raise KeyboardInterrupt
    if code != 0:
        fail(f"{folder.name} ended with exit code {code}, see above; it was run by {shlex.join(command)}")


def read_record(folder):
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def read_lines(folder):
    return [json.loads(line) for line in (folder / "output.jsonl").read_text(encoding="utf-8").splitlines()]


def facts(folder):
    """What a row says of its run; wall_seconds of a resumed one are those after it went on."""
    record = read_record(folder)
    return {"run": folder.name, **{name: value for name, value in record.items() if name not in ("command", "result")}}


def load_pt(path):
    try:
        import torch
    except ImportError:
        fail("reading processed data takes torch: apt-get install python3-torch, and run this with /usr/bin/python3")
    return torch.load(path, weights_only=True)


def load_part(data, part):
    """Pairs of one part of a data set (docs/formats/processed.md), as arrays by name."""
    return {name: tensor.numpy() for name, tensor in load_pt(data / f"processed/{part}_data.pt").items()}


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def usable_cores():
    return len(os.sched_getaffinity(0))


def cpu_model():
    lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def with_defaults(options, defaults):
    """`options` and those of `defaults` that they do not give."""
    given = {word.split("=")[0].replace("_", "-") for word in options}
    return [*options, *(str(word) for name, value in defaults.items() if name not in given for word in (name, value))]


def mean_sd(rows, name):
    """Mean and sample standard deviation of a column; null where there is none."""
    values = [row[name] for row in rows]
    if None in values:
        return {"mean": None, "sd": None}
    return {"mean": statistics.fmean(values), "sd": statistics.stdev(values) if len(values) > 1 else None}


def print_table(rows, columns):
    def text(value):
        if isinstance(value, dict):
            return f"{text(value['mean'])} ± {text(value['sd'])}"
        if isinstance(value, float):
            return f"{value:.1f}" if abs(value) >= 100 else f"{value:.4f}"
        return "-" if value is None else str(value)

    lines = [columns, *([text(row.get(column)) for column in columns] for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines)]
    print()
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def equal_time(bench):
    args = bench.args
    data = bench.by_folds()
    unit = read_record(data)["result"]["affinity_unit"]
    if unit != UNITS[args.dataset]:
        fail(f"--csv {args.csv} holds affinities in '{unit}', not in '{UNITS[args.dataset]}' as {args.dataset} does: "
             "give the file of --dataset")
    if args.only_throughput:
        args.part = "val"  # The test part is for models whose accuracy counts.
    ours = bench.emit(bench.train(data, "gated", dataset=args.dataset))
    names = [] if args.skip_peers else ["gin"] if args.only_throughput else ["gin", "deepdta"]
    variance = float(load_part(data, "test")["affinity"].var()) if names else None
    peers = [bench.emit(train_peer(bench, name, variance)) for name in names]
    summary = {"summary": args.dataset}
    if peers:
        summary["speed_ratio_to_gin"] = ours["pairs_per_second"] / peers[0]["pairs_per_second"]
    if peers and not args.only_throughput:
        better = min(peers, key=lambda row: row["test_mse"])
        summary.update(better_peer=better["model"], mse_ratio_to_better_peer=ours["test_mse"] / better["test_mse"])
    bench.emit(summary)
    quality = [] if args.only_throughput else [f"{args.part}_{metric}" for metric in METRICS]
    print_table([ours, *peers],
                ["model", *quality, "pairs_per_second", "training_seconds", "wall_seconds", "load_average"])
    print(f"on {ours['cores']} cores of {ours['cpu']}")


def train_peer(bench, name, test_variance):
    """The row of one peer. It reports no MAE, and its training time is without validation, which ours includes."""
    args = bench.args
    command = [sys.executable, str(args.peers), "train", "--model", name, "--dataset", args.dataset, "--minutes",
               str(args.minutes), "--threads", str(usable_cores())]
    environment = {"LD_PRELOAD": find_jemalloc(), "MALLOC_CONF": MALLOC_CONF}
    folder = bench.run(name, command, args.peers, environment=environment)
    *epochs, final = read_lines(folder)
    pairs = seconds = 0.0
    for epoch in epochs:
        pairs += epoch["pairs_per_second"] * (epoch["train_seconds"] - seconds)
        seconds = epoch["train_seconds"]
    mse = final["test_mse"]
    return {"model": name, "dataset": args.dataset, "test_mse": mse, "test_rmse": math.sqrt(mse), "test_mae": None,
            "test_r2": 1 - mse / test_variance, "test_ci": final["test_ci"], "test_rm2": final["test_rm2"],
            "val_mse": min(epoch["val_mse"] for epoch in epochs), "pairs_per_second": pairs / seconds,
            "training_seconds": seconds, "epochs_run": len(epochs), **facts(folder)}


def find_jemalloc():
    return ctypes.util.find_library("jemalloc") or \
        fail("no jemalloc, the worker's allocator, which the peers are to have as well: apt-get install libjemalloc2")


def long(bench):
    row = bench.emit(bench.train(bench.by_folds(), "gated", dataset=bench.args.dataset))
    metrics = [f"{part}_{metric}" for part in dict.fromkeys((bench.args.part, "val")) for metric in METRICS]
    print_table([row], ["dataset", *metrics, "pairs_per_second", "training_seconds", "epochs_run", "best_epoch"])


def seeds(bench):
    data = bench.by_folds()
    rows = [bench.emit(bench.train(data, "gated", seed=seed)) for seed in bench.args.seeds]
    names = [f"{bench.args.part}_{metric}" for metric in METRICS]
    spread = {name: mean_sd(rows, name) for name in names}
    summary = bench.emit({"summary": "mean and SD", "seeds": len(rows), **spread})
    print_table(rows, ["seed", *names, "pairs_per_second"])
    print_table([summary], ["seeds", *names])


def cold(bench):
    rows, summaries = [], []
    mse, ci = f"{bench.args.part}_mse", f"{bench.args.part}_ci"
    for split in bench.args.splits:
        of_split = []
        for seed in bench.args.seeds:
            data = bench.preprocess(bench.args.csv, "--split", split, "--seed", str(seed))
            row = bench.train(data, "gated", split=split, seed=seed)
            trivial = trivial_mse(load_part(data, "train"), load_part(data, bench.args.part))
            best = min(trivial, key=trivial.get)
            row.update(trivial_mse=trivial, best_trivial=best, best_trivial_mse=trivial[best],
                       better_percent=100 * (1 - row[mse] / trivial[best]))
            of_split.append(bench.emit(row))
        names = (mse, "best_trivial_mse", "better_percent", ci)
        summaries.append(bench.emit({"summary": "mean and SD", "split": split, "seeds": len(of_split),
                                     **{name: mean_sd(of_split, name) for name in names}}))
        rows += of_split
    print_table(rows, ["split", "seed", mse, "best_trivial", "best_trivial_mse", "better_percent", ci])
    print_table(summaries, ["split", "seeds", *names])


def trivial_mse(train, test):
    """MSE on `test` of what knows the mean of all training pairs, of the drug's, or of the target's; a drug or target that
    is not among them has the mean of all."""
    mean = train["affinity"].mean()
    predicted = {"mean": mean}
    for entity in ("drug", "target"):
        size = 1 + max(train[entity].max(), test[entity].max())
        count = numpy.bincount(train[entity], minlength=size)
        total = numpy.bincount(train[entity], weights=train["affinity"], minlength=size)
        predicted[f"{entity}_mean"] = numpy.where(count > 0, total / numpy.maximum(count, 1), mean)[test[entity]]
    return {name: float(((value - test["affinity"]) ** 2).mean()) for name, value in predicted.items()}


def gate(bench):
    args = bench.args
    clean = bench.by_folds()
    names = [f"{args.part}_{metric}" for metric in METRICS]
    pairs, summaries = [], []
    for noise in args.label_noise:
        of_noise = []
        for seed in args.seeds:
            data = with_noise(bench, clean, noise, seed) if noise > 0 else clean
            gated, standard = (bench.emit(bench.train(data, model, seed=seed, label_noise=noise))
                               for model in ("gated", "standard"))
            of_noise.append({"label_noise": noise, "seed": seed, "gated": gated[names[0]],
                             "standard": standard[names[0]],
                             **{name: minus(gated[name], standard[name]) for name in names}})
        summaries.append(bench.emit({"summary": "gated - standard, mean and SD", "label_noise": noise,
                                     "seeds": len(of_noise), **{name: mean_sd(of_noise, name) for name in names}}))
        pairs += of_noise
    print(f"\nThe {args.part} MSE of both, and gated - standard of each metric:")
    print_table(pairs, ["label_noise", "seed", "gated", "standard", *names])
    print_table(summaries, ["label_noise", "seeds", *names])


def minus(a, b):
    return None if a is None or b is None else a - b


def with_noise(bench, clean, noise, seed):
    """`clean` with Gaussian noise on its training affinities, whose SD is `noise` times theirs."""
    entities, rows = load_pt(clean / "processed/entities.pt"), []
    for part in ("train", "val", "test"):
        pairs = load_part(clean, part)
        affinity = pairs["affinity"]
        if part == "train":
            affinity = affinity + numpy.random.default_rng(seed).normal(0, noise * affinity.std(), len(affinity))
        for row, drug, target, value in zip(pairs["row"], pairs["drug"], pairs["target"], affinity):
            rows.append((row, entities["smiles"][drug], entities["sequences"][target], repr(float(value)), part))
    path = bench.args.work_dir / f"noise-{noise}-seed-{seed}.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("row", "smiles", "sequence", "affinity", "part"), *sorted(rows)])
    data = bench.preprocess(path, "--split-column", "part")
    path.unlink()
    return data


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    figures = parser.add_subparsers(dest="figure", required=True, metavar="FIGURE")

    def figure(function, text, folds=True, dataset=False, minutes=None):
        """A sub-command: with `minutes`, their default, for one training of each model, else for one of each seed."""
        sub = figures.add_parser(function.__name__.replace("_", "-"), help=text, description=text)
        sub.set_defaults(function=function, epochs=None)
        add = sub.add_argument
        add("--csv", metavar="FILE", required=True, type=pathlib.Path, help="data set, as preprocess reads it")
        if folds:
            add("--split-column", metavar="NAME", default="fold",
                help="column that says 'test' of the test part; '' splits pairs at random [fold]")
        if dataset:
            add("--dataset", choices=UNITS, required=True, help="which one --csv holds")
        if minutes:
            add("--minutes", type=float, default=minutes, help="length of each training [%(default)s]")
        else:
            add("--seeds", metavar="SEED", nargs="+", type=int, required=True, help="each model is trained with each")
            budget = sub.add_mutually_exclusive_group(required=True)
            budget.add_argument("--minutes", type=float, help="length of each training, validation included")
            budget.add_argument("--epochs", type=int, help="instead: passes over the training pairs")
        add("--part", choices=("test", "val"), default="test",
            help="part to report; val, to choose by, leaves the test part unread [test]")
        add("--train-options", metavar="OPTIONS", default=[], type=shlex.split,
            help="further options of the worker's train, for example --train-options='--lr 0.001' [none]")
        add("--worker", metavar="FILE", default=ROOT / "build/release/bin/deepbindnet-worker", type=pathlib.Path,
            help="program [build/release/bin/deepbindnet-worker of this source tree]")
        add("--work-dir", metavar="DIR", default=ROOT / "build/accuracy", type=pathlib.Path,
            help="where runs are kept and found again [build/accuracy of this source tree]")
        add("--out", metavar="FILE", help="append the JSON lines here as well, once all runs are done [none]")
        return sub

    sub = figure(equal_time, "the gated model and its peers, each trained for the same time", dataset=True, minutes=30)
    sub.add_argument("--peers", metavar="FILE", type=pathlib.Path, help="dta_peers.py, in its place beside its data")
    sub.add_argument("--skip-peers", action="store_true", help="train the gated model alone")
    sub.add_argument("--only-throughput", action="store_true", help="speed against GIN's alone: minutes may be few")
    figure(long, "one long training of the gated model", dataset=True, minutes=150)
    figure(seeds, "the gated model's metrics over several seeds")
    sub = figure(cold, "unseen drugs, targets or both, against trivial predictors; seeds also split", folds=False)
    sub.add_argument("--splits", nargs="+", choices=SPLITS, default=SPLITS, help="[all]")
    sub = figure(gate, "gated against standard, seed by seed, also on noisy training labels")
    sub.add_argument("--label-noise", metavar="SHARE", nargs="+", type=float, default=[0.0],
                     help="SD of the noise on training affinities, as a share of theirs [0]")
    return parser.parse_args()


def check(args):
    """Ends with what to do where something is missing; makes paths absolute, because runs have folders of their own."""
    args.csv, args.worker, args.work_dir = args.csv.absolute(), args.worker.absolute(), args.work_dir.absolute()
    if not args.csv.is_file():
        fail(f"--csv {args.csv}: no such file; give the data set's CSV file")
    if not args.worker.is_file() or not os.access(args.worker, os.X_OK):
        fail(f"--worker {args.worker}: no such program; run 'make build', or name another")
    if args.figure == "equal-time" and args.part == "val":
        args.skip_peers = True  # They report of the test part alone.
    if args.figure == "equal-time" and not args.skip_peers:
        if not args.peers or not args.peers.is_file():
            fail(f"--peers {args.peers or 'is missing'}: give the path of dta_peers.py, or --skip-peers")
        args.peers = args.peers.absolute()
        find_jemalloc()


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    args = parse_arguments()
    check(args)
    bench = Bench(args)
    args.function(bench)
    bench.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        fail("stopped; the same command goes on with what is missing")
