"""Explanations from the real server and from the local tool, read as docs/formats/explanation.md says."""

import json
import os
import subprocess
import unittest

from explanation_format import check_files
from harness import ENVIRONMENT, STEP_DEADLINE, TINY, ServerTest, program, read_csv

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


class ExplainTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for model_type in ("gated", "standard"):
            cls.run_json("train", "--dataset", "demo", "--name", model_type, "--model-type", model_type, "--num-epochs",
                         "1", "--fusion-layers", "2", *TINY)
        cls.rows = read_csv(cls.csv)[:5]
        cls.sequence = cls.rows[0]["target_sequence"]

    def explain(self, name, smiles, sequence, *more, model="gated"):
        [line] = self.run_json("predict", "--model", model, "--smiles", smiles, "--sequence", sequence, "--explain",
                               self.path(name), *more)
        return line

    def run_worker(self, *arguments):
        checkpoint = os.path.join(self.path("downloaded"), "best_model.pt")
        if not os.path.exists(checkpoint):
            self.run_json("models", "download", "gated", "--output-dir", self.path("downloaded"))
        result = subprocess.run([program("deepbindnet-worker"), "predict", "--checkpoint", checkpoint, *arguments],
                                capture_output=True, text=True, env=ENVIRONMENT, timeout=STEP_DEADLINE)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def write_pairs(self, name):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write("smiles,sequence\n")
            for row in self.rows:
                file.write(f"{row['compound_iso_smiles']},{row['target_sequence']}\n")
            file.write(f"no molecule,{self.sequence}\n{ASPIRIN},MKV\n")
        return self.path(name)

    def test_a_pair_of_either_model_in_every_detail(self):
        for model in ("gated", "standard"):
            for detail in ("summary", "layers", "heads"):
                name = f"pair-{model}-{detail}"
                line = self.explain(name, ASPIRIN, self.sequence, "--explain-detail", detail, model=model)
                explanation = check_files(self.path(name), 1, detail)
                self.assertEqual(explanation, line["explanation"])
                self.assertEqual(explanation["model_type"], model)
                self.assertEqual(explanation["model_digest"], line["model_digest"])
                self.assertEqual(explanation["affinity_unit"], "pKd")
                self.assertEqual("".join(atom["element"] for atom in explanation["atoms"]), "CCOOCCCCCCCOO")
                self.assertEqual(explanation["sequence"], self.sequence)
                # Another batch may round a float32 differently, no more.
                self.assertAlmostEqual(explanation["predicted_affinity"], line["predicted_affinity"], places=4)

    def test_smallest_and_large_pairs(self):
        for smiles, sequence in (("C", "M"), ("C" * 300, "M" * 5000), ("[Na+].[Cl-]", "MK" * 20)):
            name = f"size-{len(smiles)}"
            self.explain(name, smiles, sequence)
            check_files(self.path(name), 1)

    def test_symmetric_atoms_are_alike(self):
        atoms = self.explain("benzene", "c1ccccc1", self.sequence)["explanation"]["atoms"]
        for atom in atoms:
            self.assertAlmostEqual(atom["importance"], 1 / 6, places=4)
            self.assertAlmostEqual(atom["layers"][1]["attention"], 1 / 6, places=4)

    def test_a_table_of_the_server_and_of_the_local_tool_agree(self):
        table = self.write_pairs("pairs.csv")
        [line] = self.run_json("predict", "--model", "gated", "--input", table, "--output", self.path("remote.csv"),
                               "--explain", self.path("remote"))
        self.assertEqual((line["predicted"], line["failed"], line["explained"]), (6, 1, 6))
        self.run_worker("--input", table, "--output", self.path("local.csv"), "--explain", self.path("local"))
        names = {f"row-{row}.{kind}" for row in (1, 2, 3, 4, 5, 7) for kind in ("json", "svg")}
        self.assertEqual(set(os.listdir(self.path("remote"))), names)
        self.assertEqual(set(os.listdir(self.path("local"))), names)
        for row in (1, 2, 3, 4, 5, 7):
            remote, local = check_files(self.path("remote"), row), check_files(self.path("local"), row)
            self.assertEqual(list(remote), list(local))
            for key in ("canonical_smiles", "sequence", "model_digest", "residues"):
                self.assertEqual(remote[key], local[key])
            self.assertAlmostEqual(remote["predicted_affinity"], local["predicted_affinity"], places=4)
            for ours, theirs in zip(remote["atoms"], local["atoms"]):
                self.assertAlmostEqual(ours["importance"], theirs["importance"], places=4)
        remote, local = read_csv(self.path("remote.csv")), read_csv(self.path("local.csv"))
        self.assertEqual(list(remote[0]), list(local[0]))
        for ours, theirs in zip(remote, local):
            self.assertEqual(ours["prediction_error"], theirs["prediction_error"])
            if not ours["prediction_error"]:
                self.assertAlmostEqual(float(ours["predicted_affinity"]), float(theirs["predicted_affinity"]), places=4)

    def test_a_pair_does_not_depend_on_the_batch(self):
        table = self.write_pairs("batch.csv")
        self.run_json("predict", "--model", "gated", "--input", table, "--output", self.path("batch-out.csv"),
                      "--explain", self.path("batch"))
        alone = self.explain("alone", self.rows[2]["compound_iso_smiles"], self.rows[2]["target_sequence"])
        self.assertEqual(check_files(self.path("batch"), 3), alone["explanation"])

    def test_a_terminals_reader_sees_the_most_important(self):
        result = self.run_cli("predict", "--model", "gated", "--smiles", ASPIRIN, "--sequence", self.sequence,
                              "--explain", self.path("text"), "--atom-indices")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"\A-?[0-9.]+ pKd  \(model gated\)\nsimilar molecules and proteins alone say "
                                        r"-?[0-9.]+; with the network it is -?[0-9.]+\natoms by importance, of 13 in ")
        with open(os.path.join(self.path("text"), "row-1.json"), encoding="utf-8") as file:
            explanation = json.load(file)
        self.assertIn(f" alone say {explanation['prior_affinity']:.4f}; with the network it is "
                      f"{explanation['predicted_affinity']:.4f}\n", result.stdout)
        top = max(explanation["atoms"], key=lambda atom: atom["importance"])
        lines = result.stdout.splitlines()
        self.assertEqual(lines[3].split()[:2], [str(top["index"]), top["element"]])
        local = self.run_worker("--smiles", ASPIRIN, "--sequence", self.sequence, "--explain", self.path("local-text"))
        self.assertEqual(local.splitlines()[1:-1], lines[1:-1], "the same text from the local tool")

    def test_mistakes_are_one_line(self):
        pair = ("--smiles", ASPIRIN, "--sequence", self.sequence)
        self.assert_one_error_line(
            self.run_cli("predict", "--model", "nobody", *pair, "--explain", self.path("none")), 1, "nobody", "gated")
        self.assert_one_error_line(
            self.run_cli("predict", "--model", "gated", *pair, "--explain", self.csv + "/below"), 2, "--explain")
        self.assert_one_error_line(
            self.run_cli("predict", "--model", "gated", "--smiles", "C1CC(", "--sequence", self.sequence, "--explain",
                         self.path("none")), 1, "C1CC(")


if __name__ == "__main__":
    unittest.main()
