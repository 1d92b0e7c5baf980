"""accuracy.py with the built worker on a small data set: what it prints against what predictions and data say."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import unittest

import numpy
import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from harness import ENVIRONMENT, program, read_csv, synthesize

WORKER = program("deepbindnet-worker")
TINY = "--train-options=--hidden-dim 16 --feature-dim 32 --fusion-heads 2 --batch-size 64"

# Prints what dta_peers.py would after two epochs, and checks how it was started.
FAKE_PEERS = """
import json, os, sys
assert "jemalloc" in os.environ["LD_PRELOAD"]
with open(WORKER, "rb") as worker:
    assert os.environ["MALLOC_CONF"].encode() + b"\\0" in worker.read(), "the worker has other options"
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert sys.argv[1] == "train" and options["--dataset"] == "davis" and options["--minutes"] == "0.02", sys.argv
scale = {"gin": 1, "deepdta": 2}[options["--model"]]
for epoch, (seconds, speed, val) in enumerate([(1.0, 100.0, 0.9), (4.0, 200.0, 0.7)]):
    print(json.dumps({"epoch": epoch, "train_seconds": seconds, "pairs_per_second": speed * scale, "val_mse": val}))
print(json.dumps({"final": True, "test_mse": 0.25 * scale, "test_ci": 0.8, "test_rm2": 0.5}))
"""


class AccuracyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="deepbindnet-accuracy-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.csv = synthesize(str(cls.directory / "pairs.csv"), pairs=600)
        cls.runs = cls.directory / "runs"

    def start(self, figure, *options, worker=WORKER):
        return subprocess.run(
            [sys.executable, "-B", str(HERE / "accuracy.py"), figure, "--csv", self.csv, "--worker", worker,
             "--work-dir", str(self.runs), TINY, *options],
            capture_output=True, text=True, env={**ENVIRONMENT, "OMP_NUM_THREADS": "1"})

    def rows(self, *arguments):
        """The JSON lines: those of trainings and those of summaries."""
        result = self.start(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
        return [row for row in rows if "summary" not in row], [row for row in rows if "summary" in row]

    def fails(self, message, *arguments, **options):
        result = self.start(*arguments, **options)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn(message, result.stderr)

    def data_of(self, row):
        """The directory of the data set that the training of `row` read."""
        command = json.loads((self.runs / row["run"] / "run.json").read_text())["command"]
        return (self.runs / row["run"] / command[command.index("--data-dir") + 1]).resolve()

    def part(self, row, name):
        return torch.load(self.data_of(row) / f"{name}_data.pt", weights_only=True)

    def expect_metrics(self, row, part):
        """Compares metrics with those of the best checkpoint's own predictions."""
        path = self.directory / "predictions.csv"
        checkpoint = self.runs / row["run"] / "output/best_model.pt"
        subprocess.run([WORKER, "evaluate", "--checkpoint", str(checkpoint), "--data-dir", str(self.data_of(row)),
                        "--split", part, "--predictions", str(path)], check=True, capture_output=True, env=ENVIRONMENT)
        pairs = read_csv(path)
        measured, predicted = (numpy.array([float(pair[name]) for pair in pairs]) for name in ("measured", "predicted"))
        error = predicted - measured
        mse = (error ** 2).mean()
        expected = {"mse": mse, "rmse": mse ** 0.5, "mae": abs(error).mean(), "r2": 1 - mse / measured.var()}
        for name, value in expected.items():
            self.assertAlmostEqual(row[f"{part}_{name}"], value, delta=1e-4, msg=name)

    def test_seeds_prints_the_spread_of_what_the_models_predict(self):
        out = self.directory / "seeds.jsonl"
        command = ("seeds", "--split-column", "", "--seeds", "1", "2", "--epochs", "2", "--out", str(out))
        rows, [summary] = self.rows(*command)
        self.assertEqual([row["seed"] for row in rows], [1, 2])
        self.assertNotEqual(rows[0]["test_mse"], rows[1]["test_mse"])
        for row in rows:
            self.assertEqual((row["epochs_run"], row["resumed"]), (2, False))
            self.expect_metrics(row, "test")
            self.expect_metrics(row, "val")
        for name in ("test_mse", "test_rmse", "test_mae", "test_r2", "test_ci", "test_rm2"):
            values = [row[name] for row in rows]
            self.assertAlmostEqual(summary[name]["mean"], numpy.mean(values))
            self.assertAlmostEqual(summary[name]["sd"], numpy.std(values, ddof=1))
        self.assertEqual([json.loads(line) for line in out.read_text().splitlines()], [*rows, summary])

        # Finished runs are reused, wall time and all; one that was stopped goes on.
        self.assertEqual(self.rows(*command), (rows, [summary]))
        (self.runs / rows[1]["run"] / "run.json").unlink()
        again, _ = self.rows(*command)
        self.assertEqual(again[0], rows[0])
        self.assertEqual((again[1]["resumed"], again[1]["test_mse"]), (True, rows[1]["test_mse"]))

        # What was chosen by validation, without the test part, is not trained again to read it.
        validated, [spread] = self.rows(*command, "--part", "val")
        self.assertEqual(validated[0]["val_mse"], rows[0]["val_mse"])
        self.assertEqual([name for name in ("test_mse", "test_ci") if name in validated[0] or name in spread], [])

    def test_cold_compares_with_the_best_trivial_predictor(self):
        rows, summaries = self.rows("cold", "--splits", "cold_drug", "cold_target", "--seeds", "1", "2",
                                    "--epochs", "2")
        self.assertEqual([(row["split"], row["seed"]) for row in rows],
                         [("cold_drug", 1), ("cold_drug", 2), ("cold_target", 1), ("cold_target", 2)])
        pairs = read_csv(self.csv)
        for row in rows:
            train, test = ([pairs[number - 1] for number in self.part(row, name)["row"].tolist()]
                           for name in ("train", "test"))
            mean = statistics.fmean(float(pair["pKd"]) for pair in train)
            expected = {"mean": statistics.fmean((float(pair["pKd"]) - mean) ** 2 for pair in test)}
            for entity, column in (("drug", "compound_iso_smiles"), ("target", "target_sequence")):
                known = {}
                for pair in train:
                    known.setdefault(pair[column], []).append(float(pair["pKd"]))
                expected[f"{entity}_mean"] = statistics.fmean(
                    (float(pair["pKd"]) - statistics.fmean(known.get(pair[column], [mean]))) ** 2 for pair in test)
            for name, value in expected.items():
                self.assertAlmostEqual(row["trivial_mse"][name], value, msg=name)
            unseen = {"cold_drug": "drug_mean", "cold_target": "target_mean"}[row["split"]]
            self.assertAlmostEqual(expected[unseen], expected["mean"])
            best = min(expected.values())
            self.assertAlmostEqual(row["best_trivial_mse"], best)
            self.assertAlmostEqual(row["better_percent"], 100 * (best - row["test_mse"]) / best)
            self.expect_metrics(row, "test")
        for summary, of_split in zip(summaries, (rows[:2], rows[2:]), strict=True):
            for name in ("test_mse", "best_trivial_mse", "better_percent"):
                self.assertAlmostEqual(summary[name]["mean"], numpy.mean([row[name] for row in of_split]))
                self.assertAlmostEqual(summary[name]["sd"], numpy.std([row[name] for row in of_split], ddof=1))

    def test_gate_differs_in_the_gates_and_noise_in_the_training_labels_alone(self):
        rows, summaries = self.rows("gate", "--split-column", "", "--seeds", "1", "2", "--epochs", "2",
                                    "--label-noise", "0", "0.5")
        self.assertEqual([(row["label_noise"], row["seed"], row["model"]) for row in rows],
                         [(noise, seed, model) for noise in (0, 0.5) for seed in (1, 2)
                          for model in ("gated", "standard")])
        for gated, standard in zip(rows[::2], rows[1::2]):
            self.assertEqual(self.data_of(gated), self.data_of(standard))
            self.assertGreater(gated["parameters"], standard["parameters"])
            self.expect_metrics(gated, "test")
            self.expect_metrics(standard, "test")
        for summary, four in zip(summaries, (rows[:4], rows[4:]), strict=True):
            for name in ("test_mse", "test_ci"):
                differences = [gated[name] - standard[name] for gated, standard in zip(four[::2], four[1::2])]
                self.assertAlmostEqual(summary[name]["mean"], numpy.mean(differences))
                self.assertAlmostEqual(summary[name]["sd"], numpy.std(differences, ddof=1))

        noises = []
        for clean, noisy in zip(rows[:4:2], rows[4::2]):
            for name in ("train", "val", "test"):
                one, other = self.part(clean, name), self.part(noisy, name)
                self.assertTrue(torch.equal(one["drug"], other["drug"]) and torch.equal(one["target"], other["target"]))
                if name != "train":
                    self.assertTrue(torch.equal(one["affinity"], other["affinity"]), name)
                    continue
                noise = (other["affinity"] - one["affinity"]).numpy()
                sd = one["affinity"].numpy().std()
                self.assertAlmostEqual(noise.std() / sd, 0.5, delta=0.08)
                self.assertAlmostEqual(noise.mean() / sd, 0, delta=0.1)
                noises.append(noise)
        self.assertLess(abs(numpy.corrcoef(noises)[0, 1]), 0.2)

    def test_equal_time_compares_with_its_peers(self):
        peers = self.directory / "peers.py"
        peers.write_text(f"WORKER = {str(WORKER)!r}\n{FAKE_PEERS}")
        [ours, gin, deepdta], [summary] = self.rows("equal-time", "--split-column", "", "--dataset", "davis",
                                                    "--minutes", "0.02", "--peers", str(peers))
        self.expect_metrics(ours, "test")
        self.assertEqual((gin["model"], deepdta["model"]), ("gin", "deepdta"))
        self.assertEqual((gin["test_mse"], gin["test_rmse"], gin["val_mse"], gin["test_mae"]), (0.25, 0.5, 0.7, None))
        self.assertAlmostEqual(gin["test_r2"], 1 - 0.25 / self.part(ours, "test")["affinity"].numpy().var())
        self.assertAlmostEqual(gin["pairs_per_second"], (1 * 100 + 3 * 200) / 4)
        self.assertAlmostEqual(summary["speed_ratio_to_gin"], ours["pairs_per_second"] / 175)
        self.assertEqual(summary["better_peer"], "gin")
        self.assertAlmostEqual(summary["mse_ratio_to_better_peer"], ours["test_mse"] / 0.25)

    def test_errors_say_what_to_do(self):
        time = ("--split-column", "", "--minutes", "0.02")
        self.fails("give the path of dta_peers.py, or --skip-peers", "equal-time", *time, "--dataset", "davis")
        self.fails("affinities in 'pKd', not in 'KIBA'", "equal-time", *time, "--dataset", "kiba", "--skip-peers")
        self.fails("run 'make build'", "long", *time, "--dataset", "davis", worker=str(self.directory / "none"))
        self.fails("fold is no column of the file", "seeds", "--seeds", "1", "--epochs", "2")


if __name__ == "__main__":
    unittest.main()
