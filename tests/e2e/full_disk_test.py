"""A disk that has no room: jobs wait and say why, the server answers, and everything goes on once there is space."""

import os
import unittest

from harness import ENVIRONMENT, TINY, ServerTest, read_csv, wait_until

EPOCHS = 200


class FullDiskTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_json("train", "--dataset", "demo", "--name", "ready", "--num-epochs", "1", *TINY)
        cls.flag = cls.path("full")
        cls.server.stop()
        cls.server.environment = {**ENVIRONMENT, "LD_PRELOAD": os.environ["DEEPBINDNET_FULL_DISK"],
                                  "FULL_DISK_FLAG": cls.flag, "FULL_DISK_DIR": cls.server.data_dir}
        cls.server.start()

    def fill_disk(self):
        with open(self.flag, "w", encoding="ascii"):
            pass

    def free_disk(self):
        if os.path.exists(self.flag):
            os.remove(self.flag)

    def status(self, job):
        return self.run_json("jobs", "status", job)[0]

    def predict(self):
        row = read_csv(self.csv)[0]
        return self.run_json("predict", "--model", "ready", "--smiles", row["compound_iso_smiles"], "--sequence",
                             row["target_sequence"])

    def test_jobs_wait_for_space_and_the_server_answers(self):
        self.addCleanup(self.free_disk)
        training = self.start_cli("train", "--dataset", "demo", "--name", "waits", "--num-epochs", str(EPOCHS), *TINY)
        training.until_epoch(3)
        before = self.predict()

        self.fill_disk()
        waiting = wait_until(lambda: self.status("waits") if "pause" in self.status("waits") else None,
                             "the job says that the disk is full")
        self.assertEqual(waiting["pause"]["reason"], "DISK_FULL")
        self.assertNotIn(self.server.data_dir, waiting["pause"]["message"])
        self.assertEqual(self.predict(), before)
        refused = self.run_cli("train", "--dataset", "demo", "--name", "refused", "--detach", *TINY)
        self.assert_one_error_line(refused, 1, "free space")
        refused = self.run_cli("datasets", "prepare", self.csv, "--name", "refused")
        self.assertNotEqual(refused.returncode, 0)
        wait_until(lambda: not self.server.workers(), "nothing runs any more")

        self.free_disk()
        self.assertEqual(training.finish(), 0, training.error_text())
        self.assertEqual(training.epochs(), list(range(1, EPOCHS + 1)))
        changes = [(event["from"], event["to"]) for event in training.objects if event["type"] == "state"]
        self.assertIn(("PAUSED", "QUEUED"), changes)
        self.assertEqual(training.objects[-1]["restarts"], 0)
        names = [job["name"] for job in self.run_json("jobs", "list")]
        self.assertNotIn("refused", names)
        self.assertEqual(os.listdir(os.path.join(self.server.data_dir, "uploads")), [])


if __name__ == "__main__":
    unittest.main()
