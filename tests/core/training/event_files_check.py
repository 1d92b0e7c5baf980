"""Compares the event files of a run with everything else that is known of it: its metrics.csv, its result.json, the
options in its checkpoint, and what the test that ran it saw.

    event_files_check.py OUTPUT_DIR EXPECTED.json

EXPECTED.json: "steps" is a list of [run_step, batch_loss, learning_rate, pairs_per_second], "gates" the number of
values of each histogram, "restarts" the steps before which a process went on.
"""

import csv
import json
import math
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
import event_reader

EPOCH_COLUMNS = {"Loss/train": "train_loss", "RMSE/train": "train_rmse", "RMSE/val": "val_rmse",
                 "R2/train": "train_r2", "R2/val": "val_r2", "CI/val": "val_ci", "LearningRate/epoch": "learning_rate",
                 "Gate/mean": "gate_mean", "Gate/sd": "gate_sd", "PairsPerSecond/epoch": "pairs_per_second"}
METRICS = ("RMSE", "MAE", "R2", "CI")
STEP_TAGS = ["Loss/batch", "LearningRate", "PairsPerSecond"]


def expect_series(run, tag, expected):
    """`expected` are (step, value) in the order of steps. Values are stored in single precision."""
    points = run.scalars[tag]
    assert [step for step, _ in points] == [step for step, _ in expected], f"{tag}: {points}"
    for (step, actual), (_, wanted) in zip(points, expected):
        same = math.isnan(actual) and math.isnan(wanted) or math.isclose(actual, wanted, rel_tol=1e-5, abs_tol=1e-9)
        assert same, f"{tag} at {step}: {actual}, not {wanted}"


def check_epochs(run, rows):
    for tag, column in EPOCH_COLUMNS.items():
        expect_series(run, tag, [(int(row["epoch"]), float(row[column])) for row in rows])


def check_best(run, result):
    expected = {}
    for part in ("val", "test"):
        if result[part]["pairs"] > 0:
            expected.update({f"Best/{metric}_{part}": result[part][metric.lower()] for metric in METRICS})
    for tag, value in expected.items():
        expect_series(run, tag, [(result["best_epoch"], math.nan if value is None else value)])
    assert set(expected) <= set(run.metric_tags), run.metric_tags
    assert run.session_end[0] == 1, "success"
    assert abs(run.session_end[1] - run.wall_times[-1]) < 60
    return set(expected)


def check_gates(run, rows, counts):
    assert set(run.histograms) == set(counts), run.histograms.keys()
    for row in rows:
        total = count = 0.0
        for tag, expected in counts.items():
            [histogram] = [value for step, value in run.histograms[tag] if step == int(row["epoch"])]
            assert histogram.num == sum(histogram.counts) == expected, f"{tag}: {histogram.num}, not {expected}"
            assert 0 <= histogram.min <= histogram.sum / histogram.num <= histogram.max <= 1, tag
            assert histogram.sum_squares <= histogram.sum, tag
            # The first value is in the first bucket, the last in the last.
            assert histogram.limits == sorted(histogram.limits) and histogram.counts[0] > 0 < histogram.counts[-1], tag
            assert histogram.min < histogram.limits[0] and histogram.max <= histogram.limits[-1], tag
            total, count = total + histogram.sum, count + histogram.num
        if counts:
            assert math.isclose(total / count, float(row["gate_mean"]), rel_tol=1e-4), row["epoch"]


def check_options(run, config):
    options = {**config["model"], **config["training"]}
    assert run.hparams == options, f"{run.hparams}, not {options}"
    types = {str: 1, bool: 2, int: 3, float: 3}
    assert run.hparam_types == {name: types[type(value)] for name, value in options.items()}, run.hparam_types
    for _, text in run.texts["Options"]:
        assert text.startswith("```\n") and text.endswith("\n```"), text
        assert json.loads(text[4:-4]) == options, text


def main():
    output_dir, expected_path = sys.argv[1:]
    with open(expected_path, encoding="utf-8") as file:
        expected = json.load(file)
    with open(os.path.join(output_dir, "metrics.csv"), encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(os.path.join(output_dir, "result.json"), encoding="utf-8") as file:
        result = json.load(file)
    checkpoint = torch.load(os.path.join(output_dir, "best_model.pt"), weights_only=True)
    run = event_reader.Run(os.path.join(output_dir, "logs"))
    check_epochs(run, rows)
    for i, tag in enumerate(STEP_TAGS, start=1):
        expect_series(run, tag, [(step[0], step[i]) for step in expected["steps"]])
    best_tags = check_best(run, result)
    assert set(run.scalars) == set(EPOCH_COLUMNS) | set(STEP_TAGS) | best_tags, run.scalars.keys()
    check_gates(run, rows, expected["gates"])
    check_options(run, json.loads(checkpoint["config"]))
    assert run.restarts == expected["restarts"], run.restarts
    assert len(run.files) == 1 + len(run.restarts), run.files


if __name__ == "__main__":
    main()
