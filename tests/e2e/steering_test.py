"""Jobs that are paused, resumed, cancelled, deleted, put in order and limited, with the real worker."""

import os
import re
import unittest

from harness import TINY, ServerTest, tensors_of, wait_until

# Of a training that is paused in the middle: enough for a pause to come in time.
EPOCHS = 40


class SteeringTest(ServerTest):
    """One slot."""

    def status(self, job):
        [status] = self.run_json("jobs", "status", job)
        return status

    def cancel(self, job):
        [cancelled] = self.run_json("jobs", "cancel", job)
        self.assertEqual(cancelled["state"], "CANCELLED")
        return cancelled

    def submit(self, name, *options, epochs="1"):
        """Returns the new job's id."""
        self.addCleanup(self.run_cli, "jobs", "cancel", name)
        [job] = self.run_json("train", "--dataset", "demo", "--name", name, "--num-epochs", epochs, "--detach", *TINY,
                              *options)
        return job["id"]

    def in_data_dir(self, *names):
        return os.path.join(self.server.data_dir, *names)

    def model_tensors(self, model):
        return tensors_of(self.in_data_dir("models", model, "best_model.pt"))

    def watches_begun(self):
        [count] = re.findall(r'(?m)^grpc_server_started_total\{[^}]*grpc_method="WatchJob"[^}]*\} (\d+)$',
                             self.server.scrape())
        return int(count)

    def assert_refused(self, result, reason, *parts):
        self.assert_one_error_line(result, 1, *parts)
        self.assertIn(f'"reason":"{reason}"', result.stdout)

    def test_a_paused_training_goes_on_as_if_it_had_never_stopped(self):
        self.run_json("train", "--dataset", "demo", "--name", "twin", "--num-epochs", str(EPOCHS), *TINY)
        training = self.start_training("paused", epochs=str(EPOCHS))
        training.until_epoch(3)
        watches = self.watches_begun()
        watcher = self.start_cli("jobs", "watch", "paused")
        logs = self.start_cli("jobs", "logs", "paused", "--follow")
        wait_until(lambda: self.watches_begun() == watches + 2, "both follow the job")

        [paused] = self.run_json("jobs", "pause", "paused")
        self.assertEqual((paused["state"], paused["devices"]), ("PAUSED", []))
        self.assertEqual(self.server.workers(), [])
        told = self.status("paused")
        self.assertEqual((told["state"], told["restarts"]), ("PAUSED", 0))
        self.assertLess(told["latest_epoch"]["epoch"], EPOCHS)
        self.assertIn("jobs resume", self.run_cli("jobs", "status", "paused").stdout)
        self.run_json("train", "--dataset", "demo", "--name", "meanwhile", "--num-epochs", "1", *TINY)

        self.assertEqual(self.server.terminate(), 0)
        self.server.start()
        self.assertEqual(self.status("paused"), told)
        [resumed] = self.run_json("jobs", "resume", "paused")
        self.assertIn(resumed["state"], ("QUEUED", "RUNNING"))

        for follower in (training, watcher, logs):
            self.assertEqual(follower.finish(), 0, follower.error_text())
        for follower in (training, watcher):
            self.assertEqual(follower.epochs(), list(range(1, EPOCHS + 1)))
            self.assert_no_gap(follower)
            self.assertEqual((follower.objects[-1]["state"], follower.objects[-1]["restarts"]), ("SUCCEEDED", 0))
        self.assertEqual(training.journalled(), watcher.journalled())
        self.assertEqual([(event["from"], event["to"]) for event in watcher.objects if event["type"] == "state"][1:],
                         [("QUEUED", "RUNNING"), ("RUNNING", "PAUSING"), ("PAUSING", "PAUSED"), ("PAUSED", "QUEUED"),
                          ("QUEUED", "RUNNING"), ("RUNNING", "SUCCEEDED")])
        self.assertEqual(logs.objects, [event for event in watcher.objects if event["type"] == "log"])
        self.assertEqual(logs.objects, self.run_json("jobs", "logs", "paused"))
        self.assertIn("resumed after epoch", logs.objects[-1]["text"])
        self.assertTrue(self.model_tensors("twin"))
        self.assertEqual(self.model_tensors("paused"), self.model_tensors("twin"))

    def test_a_paused_job_is_cancelled(self):
        training = self.start_training("given-up")
        training.until_epoch(2)
        self.run_json("jobs", "pause", "given-up")
        self.assertTrue(os.path.exists(self.in_data_dir("models", "given-up", "latest_checkpoint.pt")))
        self.cancel("given-up")
        self.assertEqual(training.finish(), 1)
        self.assertEqual(training.objects[-1]["state"], "CANCELLED")
        self.assertFalse(os.path.exists(self.in_data_dir("models", "given-up")))
        self.assert_refused(self.run_cli("--json", "jobs", "resume", "given-up"), "ILLEGAL_TRANSITION", "CANCELLED")

    def test_a_queued_job_is_paused_and_lets_others_go_ahead(self):
        running = self.start_training("running")
        running.until_epoch(1)
        waiting = self.submit("waiting")
        [paused] = self.run_json("jobs", "pause", "waiting")
        self.assertEqual((paused["id"], paused["state"]), (waiting, "PAUSED"))
        self.submit("ahead")
        self.cancel("running")
        self.run_json("jobs", "watch", "ahead")
        self.assertEqual(self.status("waiting")["state"], "PAUSED")
        self.run_json("jobs", "resume", "waiting")
        self.run_json("jobs", "watch", "waiting")

    def test_what_is_deleted_is_gone(self):
        self.run_json("train", "--dataset", "demo", "--name", "gone", "--num-epochs", "1", *TINY)
        job = self.status("gone")["id"]
        self.assert_one_error_line(self.run_cli("jobs", "delete", "gone"), 2, "--yes")
        self.assert_refused(self.run_cli("--json", "jobs", "delete", "--yes", "gone"), "IN_USE", "gone")
        directories = [self.in_data_dir("models", "gone"), self.in_data_dir("jobs", job)]
        self.assertEqual([os.path.isdir(directory) for directory in directories], [True, True])

        self.assertEqual(self.run_json("models", "delete", "--yes", "gone"), [{"type": "deleted", "model": "gone"}])
        self.assertEqual(self.status("gone")["id"], job)
        self.assertEqual(self.run_json("jobs", "delete", "--yes", "gone"),
                         [{"type": "deleted", "job": job, "name": "gone"}])
        self.assertEqual([os.path.exists(directory) for directory in directories], [False, False])
        left = [os.path.join(path, name) for path, _, names in os.walk(self.in_data_dir("deleted")) for name in names]
        self.assertEqual(left, [])
        self.assert_one_error_line(self.run_cli("jobs", "status", job), 1, job)
        self.assertNotIn("gone", [model["name"] for model in self.run_json("models", "list")])

    def test_a_data_set_in_use_is_not_deleted(self):
        self.run_json("datasets", "prepare", self.csv, "--name", "used")
        preparation = self.status("used")["id"]
        self.run_json("train", "--dataset", "used", "--name", "user", "--num-epochs", "1", *TINY)
        running = self.start_training("keeps-the-slot")
        running.until_epoch(1)
        [waits] = self.run_json("train", "--dataset", "used", "--name", "waits", "--detach", *TINY)
        self.addCleanup(self.run_cli, "jobs", "cancel", "waits")
        refused = self.run_cli("--json", "datasets", "delete", "--yes", "used")
        self.assert_refused(refused, "IN_USE", "used", waits["id"])
        self.assert_refused(self.run_cli("--json", "jobs", "delete", "--yes", "waits"), "JOB_NOT_ENDED", waits["id"])
        self.assertTrue(os.path.isdir(self.in_data_dir("datasets", "used")))
        self.cancel("waits")
        self.cancel("keeps-the-slot")

        self.run_json("datasets", "delete", "--yes", "used")
        self.assertFalse(os.path.exists(self.in_data_dir("datasets", "used")))
        self.run_json("jobs", "delete", "--yes", preparation)
        self.assertFalse(os.path.exists(self.in_data_dir("jobs", preparation)))
        self.run_json("models", "show", "user")

    def test_a_job_of_higher_priority_starts_first(self):
        running = self.start_training("first-in-line")
        running.until_epoch(1)
        names = ["low", "usual", "high", "usual-too"]
        for name, priority in zip(names, (-5, 0, 7, 0)):
            self.submit(name, "--priority", str(priority))
        order = ["high", "usual", "usual-too", "low"]
        self.assertEqual([self.status(name)["queue_position"] for name in order], [1, 2, 3, 4])
        self.cancel("first-in-line")
        for name in names:
            self.run_json("jobs", "watch", name)
        self.assertEqual(sorted(names, key=lambda name: self.status(name)["start_time"]), order)

    def test_validate_only_stores_nothing(self):
        jobs = self.run_json("jobs", "list")
        [valid] = self.run_json("train", "--dataset", "demo", "--name", "ghost", "--validate-only", *TINY)
        self.assertEqual((valid["type"], valid["id"], valid["name"]), ("validated", "", "ghost"))
        self.assertEqual(valid["spec"]["train"]["options"]["hidden_dim"], 16)
        refused = self.run_cli("train", "--dataset", "nowhere", "--name", "ghost", "--validate-only")
        self.assert_one_error_line(refused, 1, "nowhere")
        self.assertEqual(self.run_json("jobs", "list"), jobs)
        self.assertFalse(os.path.exists(self.in_data_dir("models", "ghost")))


class SlotsTest(ServerTest):
    server_options = ["--slots", "2"]

    def test_two_jobs_run_side_by_side_and_a_third_waits(self):
        trainings = [self.start_training(name) for name in ("left", "right")]
        for training in trainings:
            training.until_epoch(1)
        self.start_training("third").until(lambda event: event["type"] == "job", "it is accepted")
        running = self.run_json("jobs", "list", "--state", "running")
        self.assertEqual({job["name"] for job in running}, {"left", "right"})
        self.assertEqual({device for job in running for device in job["devices"]}, {"cpu:0", "cpu:1"})
        [status] = self.run_json("server", "status")
        self.assertEqual({slot["job"] for slot in status["slots"]}, {job["id"] for job in running})
        self.assertEqual((status["jobs_running"], status["jobs_queued"]), (2, 1))
        self.assertEqual(len(self.server.workers()), 2)
        for training in trainings:
            training.until_epoch(training.epochs()[-1] + 2)


class QuotaTest(ServerTest):
    server_options = ["--max-jobs-per-user", "1"]

    def test_a_submitter_has_no_more_jobs_than_the_quota(self):
        training = self.start_training("only")
        training.until_epoch(1)
        second = ["--json", "train", "--dataset", "demo", "--name", "second", "--num-epochs", "1", *TINY]
        upload = ["--json", "datasets", "prepare", self.csv, "--name", "more"]
        for refused in (self.run_cli(*second), self.run_cli(*upload)):
            self.assert_one_error_line(refused, 1, "1 job that has not ended")
            self.assertIn('"reason":"TOO_MANY_JOBS"', refused.stdout)
        self.run_json("jobs", "pause", "only")
        self.assertEqual(self.run_cli(*second).returncode, 1)
        self.run_json("jobs", "cancel", "only")
        self.assertEqual(self.run_cli(*second).returncode, 0)


if __name__ == "__main__":
    unittest.main()
