"""The main job once: upload, train, stream, predict, compare, download, scrape."""

import hashlib
import json
import os
import sys
import unittest

from harness import SOURCE_DIR, TINY, ServerTest, read_csv

sys.path.insert(0, os.path.join(SOURCE_DIR, "tests", "support"))
import event_reader

METRICS = ["mse", "rmse", "mae", "r2", "pearson", "spearman", "ci", "rm2"]


class WorkflowTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.trainings = {}
        for model_type in ("gated", "standard"):
            cls.trainings[model_type] = cls.run_json("train", "--dataset", "demo", "--name", f"demo-{model_type}",
                                                     "--model-type", model_type, "--num-epochs", "2", *TINY)

    def test_prepare_ends_with_the_data_sets_counts(self):
        end = self.prepared[-1]
        self.assertEqual(end["state"], "SUCCEEDED")
        self.assertEqual(end["rows_read"], 600)
        self.assertEqual(end["affinity_unit"], "pKd")
        self.assertEqual(end["rows_read"] - end["rows_rejected"] - end["duplicates_merged"],
                         end["train_pairs"] + end["val_pairs"] + end["test_pairs"])
        [dataset] = self.run_json("datasets", "list")
        self.assertEqual(dataset["name"], "demo")
        self.assertEqual(dataset["summary"]["train_pairs"], end["train_pairs"])

    def test_training_streams_every_epoch_and_ends_with_test_metrics(self):
        for lines in self.trainings.values():
            epochs = [line for line in lines if line["type"] == "epoch"]
            self.assertEqual([epoch["epoch"] for epoch in epochs], [1, 2])
            for epoch in epochs:
                self.assertGreater(epoch["pairs_per_second"], 0)
                self.assertGreater(epoch["train"]["rmse"], 0)
                self.assertEqual(set(METRICS) - set(epoch["val"]), set())
            end = lines[-1]
            self.assertEqual(end["state"], "SUCCEEDED")
            for metric in METRICS:
                self.assertIsInstance(end[f"test_{metric}"], float, metric)
            self.assertAlmostEqual(end["test_rmse"] ** 2, end["test_mse"], places=6)

    def test_watch_shows_an_ended_job_again(self):
        watched = self.run_json("jobs", "watch", "demo-gated")
        self.assertEqual([line for line in watched if line["type"] == "epoch"],
                         [line for line in self.trainings["gated"] if line["type"] == "epoch"])
        self.assertEqual(watched[-1], self.trainings["gated"][-1])

    def test_jobs_and_models_are_listed(self):
        jobs = self.run_json("jobs", "list")
        self.assertEqual({(job["name"], job["state"]) for job in jobs} &
                         {("demo", "SUCCEEDED"), ("demo-gated", "SUCCEEDED"), ("demo-standard", "SUCCEEDED")},
                         {("demo", "SUCCEEDED"), ("demo-gated", "SUCCEEDED"), ("demo-standard", "SUCCEEDED")})
        models = {model["name"]: model for model in self.run_json("models", "list")}
        self.assertEqual(models["demo-gated"]["options"]["hidden_dim"], 16)
        self.assertEqual(models["demo-standard"]["options"]["model_type"], "STANDARD")
        [status] = self.run_json("jobs", "status", "demo-gated")
        self.assertEqual(status["state"], "SUCCEEDED")
        self.assertEqual(status["latest_epoch"]["epoch"], 2)

    def test_predictions_of_a_pair_and_of_a_table_agree(self):
        rows = read_csv(self.csv)[:20]
        table = self.path("pairs.csv")
        with open(table, "w", encoding="utf-8") as file:
            file.write("id,smiles,sequence\n")
            for i, row in enumerate(rows):
                file.write(f"{i},{row['compound_iso_smiles']},{row['target_sequence']}\n")
            file.write(f"20,not a molecule,{rows[0]['target_sequence']}\n")
        output = self.path("out.csv")
        [summary] = self.run_json("predict", "--model", "demo-gated", "--input", table, "--output", output)
        self.assertEqual((summary["rows"], summary["predicted"], summary["failed"]), (21, 20, 1))
        predicted = read_csv(output)
        self.assertEqual(list(predicted[0]), ["id", "smiles", "sequence", "predicted_affinity",
                                              "predicted_unit", "prediction_error"])
        self.assertEqual(predicted[20]["predicted_affinity"], "")
        self.assertIn("not a molecule", predicted[20]["prediction_error"])
        self.assertEqual({row["predicted_unit"] for row in predicted[:20]}, {"pKd"})
        for row in predicted[:3]:
            [one] = self.run_json("predict", "--model", "demo-gated", "--smiles", row["smiles"], "--sequence",
                                  row["sequence"])
            self.assertAlmostEqual(one["predicted_affinity"], float(row["predicted_affinity"]), places=2)
            self.assertEqual(one["unit"], "pKd")
        self.assertGreater(len({row["predicted_affinity"] for row in predicted[:20]}), 10)

    def test_compare_downloads_its_report(self):
        directory = self.path("comparison")
        lines = self.run_json("compare", "--models", "demo-standard", "demo-gated", "--dataset", "demo", "--output-dir",
                              directory)
        end = lines[-1]
        self.assertEqual(end["state"], "SUCCEEDED")
        self.assertEqual([model["model"] for model in end["models"]], ["demo-standard", "demo-gated"])
        for model, model_type in zip(end["models"], ("standard", "gated")):
            # The same checkpoint on the same pairs as at the end of its training.
            self.assertAlmostEqual(model["metrics"]["mse"], self.trainings[model_type][-1]["test_mse"], places=3)
        artifacts = {os.path.basename(line["path"]) for line in lines if line["type"] == "artifact"}
        self.assertLessEqual({"report.html", "report.json", "metrics.csv", "prediction_comparison.png",
                              "error_distribution.svg", "metrics_comparison.png", "improvement_percentage.svg"},
                             artifacts)
        for name in artifacts:
            self.assertGreater(os.path.getsize(os.path.join(directory, name)), 0, name)
        with open(os.path.join(directory, "report.json"), encoding="utf-8") as file:
            json.load(file)

    def test_compare_prints_its_table(self):
        result = self.run_cli("compare", "--models", "demo-standard", "demo-gated", "--dataset", "demo", "--output-dir",
                              self.path("again"), "--name", "again")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"MODEL +TYPE +MSE +RMSE +MAE +R2")
        self.assertRegex(result.stdout, r"demo-gated +gated +\d")

    def test_download_has_the_models_digest(self):
        directory = self.path("model")
        lines = self.run_json("models", "download", "demo-gated", "--output-dir", directory)
        self.assertIn("best_model.pt", {os.path.basename(line["path"]) for line in lines})
        with open(os.path.join(directory, "best_model.pt"), "rb") as file:
            self.assertEqual(hashlib.sha256(file.read()).hexdigest(), self.trainings["gated"][-1]["digest"])

    def test_event_files_of_a_remote_training_can_be_downloaded(self):
        directory = self.path("events")
        self.run_json("jobs", "download", "demo-gated", "--output-dir", directory)
        run = event_reader.Run(os.path.join(directory, "logs"))
        epochs = [line for line in self.trainings["gated"] if line["type"] == "epoch"]
        for tag, part, metric in (("RMSE/val", "val", "rmse"), ("R2/train", "train", "r2"), ("CI/val", "val", "ci")):
            self.assertEqual([step for step, _ in run.scalars[tag]], [epoch["epoch"] for epoch in epochs])
            for (_, value), epoch in zip(run.scalars[tag], epochs):
                self.assertAlmostEqual(value, epoch[part][metric], places=5)
        self.assertEqual(run.hparams["hidden_dim"], 16)
        [(_, rmse)] = run.scalars["Best/RMSE_test"]
        self.assertAlmostEqual(rmse, self.trainings["gated"][-1]["test_rmse"], places=5)

    def test_a_repeated_request_id_is_one_job(self):
        command = ("train", "--dataset", "demo", "--name", "idempotent", "--num-epochs", "1", "--request-id",
                   "7c9e6679-7425-40de-944b-e07fc1f90ae7", *TINY)
        first, second = self.run_json(*command), self.run_json(*command)
        self.assertEqual(first[0]["job"], second[0]["job"])
        self.assertEqual(first[-1], second[-1])

    def test_a_cancelled_job_ends_and_says_so(self):
        training = self.start_cli("train", "--dataset", "demo", "--name", "cancelled", "--num-epochs", "100000", *TINY)
        training.until_epoch(1)
        self.run_json("jobs", "cancel", "cancelled")
        self.assertEqual(training.finish(), 1)
        self.assertEqual(training.objects[-1]["state"], "CANCELLED")
        self.assertIn("was cancelled", training.error_text())

    def test_server_status_and_metrics(self):
        [status] = self.run_json("server", "status")
        self.assertFalse(status["draining"])
        self.assertTrue(status["devices"])
        text = self.server.scrape()
        self.assertRegex(text, r'grpc_server_handled_total\{[^}]*grpc_method="StartTraining"[^}]*\} [1-9]')
        self.assertRegex(text, r'deepbindnet_jobs\{[^}]*state="succeeded"[^}]*\} [1-9]')


if __name__ == "__main__":
    unittest.main()
