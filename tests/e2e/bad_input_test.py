"""Each mistake gets one clear line and an exit code that is not 0."""

import json
import subprocess
import unittest

from harness import ENVIRONMENT, START_DEADLINE, TINY, ServerTest, program, read_csv, run_server


class BadInputTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_json("train", "--dataset", "demo", "--name", "model", "--num-epochs", "1", *TINY)
        row = read_csv(cls.csv)[0]
        cls.smiles, cls.sequence = row["compound_iso_smiles"], row["target_sequence"]

    def test_an_option_that_is_not_there(self):
        self.assert_one_error_line(self.run_cli("train", "--dataset", "demo", "--name", "x", "--hiden_dim", "64"), 2,
                                   "--hiden-dim", "--help")

    def test_an_option_out_of_range(self):
        self.assert_one_error_line(self.run_cli("train", "--dataset", "demo", "--name", "x", "--lr", "7"), 2, "lr", "7")
        self.assert_one_error_line(
            self.run_cli("train", "--dataset", "demo", "--name", "x", "--hidden_dim", "30", "--fusion_heads", "4"), 2,
            "hidden_dim", "30")
        self.assert_one_error_line(self.run_cli("datasets", "prepare", self.csv, "--name", "x", "--test_size", "1.5"), 2,
                                   "test_size", "1.5")

    def test_a_name_that_is_a_path(self):
        self.assert_one_error_line(self.run_cli("train", "--dataset", "demo", "--name", "../x"), 2, "../x")

    def test_a_name_that_is_taken(self):
        self.assert_one_error_line(self.run_cli("train", "--dataset", "demo", "--name", "model"), 1, '"model" already')

    def test_an_unknown_data_set(self):
        self.assert_one_error_line(self.run_cli("train", "--dataset", "nowhere", "--name", "x"), 1, "nowhere", "demo")

    def test_an_unknown_model_and_job(self):
        self.assert_one_error_line(
            self.run_cli("predict", "--model", "nobody", "--smiles", self.smiles, "--sequence", self.sequence), 1,
            "nobody", "model")
        self.assert_one_error_line(self.run_cli("jobs", "watch", "nothing"), 1, "nothing")
        self.assert_one_error_line(
            self.run_cli("compare", "--models", "model", "nobody", "--dataset", "demo", "--output-dir",
                         self.path("none")), 1, "nobody")

    def test_an_unparsable_smiles(self):
        self.assert_one_error_line(
            self.run_cli("predict", "--model", "model", "--smiles", "C1CC(", "--sequence", self.sequence), 1, "C1CC(")

    def test_an_empty_sequence(self):
        result = self.run_cli("predict", "--model", "model", "--smiles", self.smiles, "--sequence", "")
        self.assert_one_error_line(result, 1, "sequence", "empty")

    def test_a_letter_that_is_no_residue(self):
        self.assert_one_error_line(
            self.run_cli("predict", "--model", "model", "--smiles", self.smiles, "--sequence", "MKV1"), 1,
            "'1' at position 4")

    def test_texts_that_are_too_long(self):
        self.assert_one_error_line(
            self.run_cli("predict", "--model", "model", "--smiles", "C" * 4097, "--sequence", self.sequence), 1, "SMILES",
            "4097", "4096")
        self.assert_one_error_line(
            self.run_cli("predict", "--model", "model", "--smiles", self.smiles, "--sequence", "M" * 10001), 1,
            "sequence", "10000")
        self.run_json("predict", "--model", "model", "--smiles", self.smiles, "--sequence", "M" * 10000)

    def test_a_truncated_csv(self):
        with open(self.csv, "rb") as file:
            whole = file.read()
        path = self.path("truncated.csv")
        with open(path, "wb") as file:
            file.write(whole[:whole.rfind(b",")])  # The last row loses its affinity.
        result = self.run_cli("datasets", "prepare", path, "--name", "truncated")
        self.assert_one_error_line(result, 1, "truncated.csv", "line 601")
        result = self.run_cli("predict", "--model", "model", "--input", path, "--output", self.path("out.csv"))
        self.assert_one_error_line(result, 2, "truncated.csv", "line 601")

    def test_a_csv_without_its_columns(self):
        path = self.path("columns.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("a,b\n1,2\n")
        self.assert_one_error_line(self.run_cli("datasets", "prepare", path, "--name", "columns"), 1, "smiles")

    def test_rejected_rows_of_a_failed_preparation_can_be_fetched(self):
        path = self.path("rejected_rows.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"smiles,sequence,pKd\n{self.smiles},{self.sequence},5\nC1CC(,{self.sequence},6\n")
        self.assert_one_error_line(self.run_cli("datasets", "prepare", path, "--name", "rejected"), 1, "rejected")
        directory = self.path("fetched")
        self.run_json("jobs", "download", "rejected", "--artifact", "rejected.csv", "--output-dir", directory)
        with open(f"{directory}/rejected.csv", encoding="utf-8") as file:
            self.assertIn("C1CC(", file.read())

    def test_wrong_usage_in_json_mode_is_one_object(self):
        result = self.run_cli("train", "--hiden_dim", "3", "--json")
        self.assertEqual(result.returncode, 2)
        [line] = result.stdout.splitlines()
        self.assertEqual(json.loads(line)["type"], "error")

    def test_no_server(self):
        result = subprocess.run([program("deepbindnet"), "--server", "127.0.0.1:1", "jobs", "list"],
                                capture_output=True, text=True, env=ENVIRONMENT, timeout=START_DEADLINE)
        self.assert_one_error_line(result, 3, "127.0.0.1:1", "not reachable")

    def test_a_port_in_use(self):
        for arguments in (["--listen", self.server.address, "--metrics-listen", "127.0.0.1:0"],
                          ["--listen", "127.0.0.1:0", "--metrics-listen", self.server.metrics]):
            address = arguments[1] if arguments[1] != "127.0.0.1:0" else arguments[3]
            result = run_server(*arguments, "--data-dir", self.path("other"))
            self.assertNotEqual(result.returncode, 0)
            self.assertRegex(result.stderr, r"\Aerror: [^\n]+\n\Z")
            self.assertIn(address, result.stderr)

    def test_an_unwritable_data_dir(self):
        # Below a regular file nothing can be made, not even by root.
        result = run_server("--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--data-dir",
                            self.csv + "/data")
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr, r"\Aerror: [^\n]+\n\Z")
        self.assertIn(self.csv + "/data", result.stderr)

    def test_a_data_dir_in_use(self):
        result = run_server("--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--data-dir",
                            self.server.data_dir)
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr, r"\Aerror: [^\n]+\n\Z")
        self.assertIn(self.server.data_dir, result.stderr)

    def test_a_device_that_is_not_there(self):
        result = run_server("--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--data-dir",
                            self.path("deviceless"), "--device", "cuda:99")
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr, r"\Aerror: [^\n]+\n\Z")
        self.assertIn("cuda:99 is not here", result.stderr)

    def test_an_address_beyond_loopback_without_tls(self):
        result = run_server("--listen", "0.0.0.0:0", "--data-dir", self.path("public"))
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr, r"\Aerror: [^\n]+\n\Z")
        self.assertIn("--insecure", result.stderr)


if __name__ == "__main__":
    unittest.main()
