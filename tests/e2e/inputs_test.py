"""DeepDTA folders, protein features, units and directions: prepared remotely as locally, then trained and predicted."""

import json
import os
import subprocess
import unittest

import torch
from harness import ENVIRONMENT, JOB_DEADLINE, TINY, ServerTest, program, read_csv


class InputsTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rows = read_csv(cls.csv)
        cls.smiles = list(dict.fromkeys(row["compound_iso_smiles"] for row in cls.rows))[:12]
        cls.sequences = list(dict.fromkeys(row["target_sequence"] for row in cls.rows))[:5]
        cls.folder = cls.make_folder()
        cls.features = cls.path("features.pt")
        torch.save({f"P{j}": torch.tensor([0.5 * j, 1.0, -1.0 / 3]) for j in range(len(cls.sequences))}, cls.features)

    @classmethod
    def make_folder(cls):
        """A folder as DeepDTA publishes Davis, with every seventh cell not measured."""
        folder = cls.path("davis")
        os.makedirs(f"{folder}/folds")
        matrix, cells = [], 0
        for i in range(len(cls.smiles)):
            values = []
            for j in range(len(cls.sequences)):
                measured = (i * len(cls.sequences) + j) % 7 != 3
                values.append(str(10 ** (1 + (i * 3 + j * 5) % 40 / 10)) if measured else "nan")
                cells += measured
            matrix.append(" ".join(values))
        test = [cell for cell in range(cells) if cell % 5 == 0]
        train = [[cell for cell in range(cells) if cell % 5 == fold] for fold in (1, 2, 3, 4)]
        contents = {
            "ligands_can.txt": json.dumps({f"D{i}": smiles for i, smiles in enumerate(cls.smiles)}),
            "proteins.txt": json.dumps({f"P{j}": sequence for j, sequence in enumerate(cls.sequences)}),
            "drug-target_interaction_affinities_Kd__Davis_et_al.2011v1.txt": "\n".join(matrix) + "\n",
            "folds/train_fold_setting1.txt": json.dumps(train),
            "folds/test_fold_setting1.txt": json.dumps(test),
        }
        for name, text in contents.items():
            with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        return folder

    def preprocess(self, name, *arguments):
        """What the worker makes of it here; its last JSON line."""
        result = subprocess.run(
            [program("deepbindnet-worker"), "preprocess", "--json", "--output_dir", self.path(name), *arguments],
            capture_output=True, text=True, env=ENVIRONMENT, timeout=JOB_DEADLINE)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout.splitlines()[-1])

    def test_a_folder_is_the_same_data_set_here_and_there(self):
        local = self.preprocess("local", "--input_file", self.folder)
        remote = self.run_json("datasets", "prepare", self.folder, "--name", "folder")[-1]
        self.assertEqual(remote["digest"], local["digest"])
        self.assertEqual(remote["affinity_unit"], "pKd")
        self.assertEqual(remote["affinity_direction"], "HIGHER_BINDS_TIGHTER")
        self.assertEqual(local["affinity_direction"], "higher")
        self.assertEqual(remote["test_pairs"], local["split_labels"]["test"])

    def test_leakage_is_shown_on_both_terminals(self):
        result = self.run_cli("datasets", "prepare", self.folder, "--name", "leakage")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"of the test part, \d+ pairs, \d+ drugs and \d+ targets stand in train")
        self.assertIn("higher binds tighter", result.stdout)
        local = subprocess.run(
            [program("deepbindnet-worker"), "preprocess", "--input_file", self.folder, "--output_dir",
             self.path("shown")], capture_output=True, text=True, env=ENVIRONMENT, timeout=JOB_DEADLINE)
        self.assertRegex(local.stdout, r"test in train: \d+ pairs, \d+ drugs, \d+ targets")

    def test_a_pickled_matrix_says_what_is_needed(self):
        folder = self.path("pickled")
        os.makedirs(folder)
        for name in ("ligands_can.txt", "proteins.txt"):
            with open(f"{self.folder}/{name}", encoding="utf-8") as source, \
                    open(f"{folder}/{name}", "w", encoding="utf-8") as target:
                target.write(source.read())
        with open(f"{folder}/Y", "wb") as file:
            file.write(b"\x80\x02.")
        self.assert_one_error_line(self.run_cli("datasets", "prepare", folder, "--name", "x"), 2, "Y is a pickle",
                                   "kiba_binding_affinity_v2.txt")

    def test_features_go_from_the_file_to_the_prediction(self):
        local = self.preprocess("featured", "--input_file", self.folder, "--protein-features", self.features)
        remote = self.run_json("datasets", "prepare", self.folder, "--name", "featured", "--protein_features",
                               self.features)[-1]
        self.assertEqual(remote["digest"], local["digest"])
        self.assertEqual(remote["protein_feature_dim"], 3)
        self.run_json("train", "--dataset", "featured", "--name", "featured", "--num-epochs", "1", *TINY)
        self.run_json("train", "--dataset", "featured", "--name", "featured-standard", "--model-type", "standard",
                      "--num-epochs", "1", *TINY)
        [model] = self.run_json("models", "show", "featured")
        self.assertEqual(model["protein_feature_dim"], 3)
        self.assertEqual(model["affinity_direction"], "HIGHER_BINDS_TIGHTER")
        self.run_json("compare", "--models", "featured-standard", "featured", "--dataset", "featured", "--output-dir",
                      self.path("comparison"))

        pair = ("predict", "--model", "featured", "--smiles", self.smiles[0], "--sequence")
        [known] = self.run_json(*pair, self.sequences[0])
        self.assertEqual(known["affinity_direction"], "higher")
        unknown = "MKVAWKTAYIAKQRQISFVKSHFSRQ"
        self.assert_one_error_line(self.run_cli(*pair, unknown), 1, "this model takes 3 values for each protein")
        given = self.path("given.pt")
        predicted = set()
        for values in ([0.0, 1.0, 0.0], [4.0, -1.0, 2.0]):
            torch.save({unknown: torch.tensor(values)}, given)
            [prediction] = self.run_json(*pair, unknown, "--protein-features", given, "--explain",
                                         self.path("explained"))
            predicted.add(prediction["predicted_affinity"])
            self.assertAlmostEqual(prediction["explanation"]["predicted_affinity"], prediction["predicted_affinity"],
                                   places=4)
            self.assertEqual(prediction["explanation"]["affinity_direction"], "higher")
        self.assertEqual(len(predicted), 2, "predictions move with the features")
        self.check_predictions_of_the_worker(unknown, given, prediction)

    def check_predictions_of_the_worker(self, sequence, features, remote):
        """Of one pair and of a table, by sequence and by id, as the server's."""
        self.run_json("models", "download", "featured", "--output-dir", self.path("downloaded"))

        def predict(*arguments):
            result = subprocess.run(
                [program("deepbindnet-worker"), "predict", "--json", "--checkpoint",
                 self.path("downloaded/best_model.pt"), *arguments],
                capture_output=True, text=True, env=ENVIRONMENT, timeout=JOB_DEADLINE)
            return result, json.loads(result.stdout.splitlines()[-1]) if result.returncode == 0 else None

        pair = ("--smiles", self.smiles[0], "--sequence", sequence)
        failed, _ = predict(*pair)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("this model takes 3 values for each protein", failed.stderr)
        _, local = predict(*pair, "--protein_features", features, "--explain", self.path("local-explained"))
        self.assertAlmostEqual(local["predicted_affinity"], remote["predicted_affinity"], places=4)
        self.assertAlmostEqual(local["explanation"]["predicted_affinity"], remote["predicted_affinity"], places=4)
        self.assertEqual(local["affinity_direction"], "higher")

        torch.save({"P": torch.load(features)[sequence]}, features)
        table, output = self.path("pairs.csv"), self.path("predicted.csv")
        with open(table, "w", encoding="utf-8") as file:
            file.write(f"smiles,sequence,protein_id\n{self.smiles[0]},{sequence},P\n{self.smiles[0]},{sequence},Q\n")
        _, summary = predict("--input", table, "--output", output, "--protein-features", features)
        self.assertEqual((summary["predicted"], summary["failed"], summary["affinity_direction"]), (1, 1, "higher"))
        rows = read_csv(output)
        self.assertAlmostEqual(float(rows[0]["predicted_affinity"]), remote["predicted_affinity"], places=4)
        self.assertIn("give its vector", rows[1]["prediction_error"])

    def test_a_protein_without_features_is_named(self):
        path = self.path("few.pt")
        torch.save({"P0": torch.ones(3)}, path)
        result = self.run_cli("datasets", "prepare", self.folder, "--name", "few", "--protein-features", path)
        self.assert_one_error_line(result, 1, self.sequences[1][:20], "has no vector of features")

    def test_mixed_units_are_refused(self):
        path = self.path("units.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"smiles,sequence,Kd,unit\nC,{self.sequences[0]},5,nM\nCC,{self.sequences[0]},6,uM\n")
        self.assert_one_error_line(self.run_cli("datasets", "prepare", path, "--name", "units"), 1,
                                   "'nM' in 1 row (first line 2), 'uM' in 1 row (first line 3)", "convert")


if __name__ == "__main__":
    unittest.main()
