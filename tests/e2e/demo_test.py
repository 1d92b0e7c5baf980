"""deploy/demo/demo.sh in seconds, with a CSV whose column `fold` decides the split."""

import csv
import glob
import os
import shutil
import subprocess
import tempfile
import unittest

from harness import BIN_DIR, ENVIRONMENT, JOB_DEADLINE, SOURCE_DIR, read_csv, synthesize

DEMO = os.path.join(SOURCE_DIR, "deploy", "demo", "demo.sh")


def processes_below(directory):
    """Command lines of our programs that name `directory`."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                command = file.read().decode(errors="replace")
        except OSError:
            continue
        if command.split("\0")[0].startswith(BIN_DIR) and directory in command:
            found.append(command)
    return found


class DemoTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="deepbindnet-e2e-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def run_demo(self, **environment):
        return subprocess.run([DEMO], capture_output=True, text=True, timeout=JOB_DEADLINE,
                              env={**ENVIRONMENT, "BIN_DIR": BIN_DIR, "DEMO_DIR": self.path("demo"), **environment})

    def write_folds(self):
        rows = read_csv(synthesize(self.path("plain.csv"), pairs=500))
        with open(self.path("folds.csv"), "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*rows[0], "fold"])
            writer.writeheader()
            for i, row in enumerate(rows):
                writer.writerow({**row, "fold": "test" if i % 5 == 0 else str(i % 5 - 1)})
        return self.path("folds.csv")

    def test_it_shows_the_whole_way_and_leaves_the_results(self):
        demo = self.run_demo(CSV=self.write_folds(), MINUTES="0.05")
        self.assertEqual(demo.returncode, 0, demo.stdout[-3000:] + demo.stderr)
        self.assertIn("--split-column fold", demo.stdout)
        self.assertIn("test 100 pairs", demo.stdout)
        self.assertRegex(demo.stdout, r"epoch +1/\d+ .* val rmse \d")
        self.assertRegex(demo.stdout, r"\d\.\d{4} pKd  \(model gated\)")
        self.assertRegex(demo.stdout, r"(?m)^gated +gated +\d")
        self.assertIn('deepbindnet_jobs{kind="train",state="succeeded"} 2', demo.stdout)
        for name in ("comparison/report.html", "predictions.csv", "gated/best_model.pt", "metrics.txt"):
            self.assertGreater(os.path.getsize(self.path(os.path.join("demo", "results", name))), 0, name)
        self.assertFalse(os.path.exists(self.path("demo/data")))
        self.assertEqual(processes_below(self.directory), [])

    def test_it_stops_its_server_when_a_step_fails(self):
        with open(self.path("bad.csv"), "w", encoding="utf-8") as file:
            file.write("a,b\n1,2\n")
        demo = self.run_demo(CSV=self.path("bad.csv"))
        self.assertEqual(demo.returncode, 1)
        self.assertIn("smiles", demo.stderr)
        self.assertEqual(processes_below(self.directory), [])


if __name__ == "__main__":
    unittest.main()
