"""Processes that die: the command line, the server, a worker."""

import os
import re
import signal
import sys
import unittest

from harness import SOURCE_DIR, STEP_DEADLINE, ServerTest, wait_until

sys.path.insert(0, os.path.join(SOURCE_DIR, "tests", "support"))
import event_reader


def resumed_after(event):
    """The epoch after which a restarted worker goes on, from its line in the job's log; 0 for any other event."""
    match = event["type"] == "log" and re.fullmatch(
        r"resumed after epoch (\d+)( and \d+ steps of the next)?", event["text"])
    return int(match.group(1)) if match else 0


class ResilienceTest(ServerTest):
    server_options = ["--slots", "2"]  # Room for a training of two processes.

    def setUp(self):
        if self.server.process.poll() is not None:
            self.server.start()

    def cancel(self, name, *watchers):
        self.run_json("jobs", "cancel", name)
        for watcher in watchers:
            self.assertEqual(watcher.finish(), 1)
            self.assertEqual(watcher.objects[-1]["state"], "CANCELLED")

    def assert_goes_on_from_its_checkpoint(self, training, name):
        """The disturbed job was queued again, took up the last epoch that was told, and trains on."""
        requeued = training.until(lambda event: event["type"] == "state" and event["to"] == "QUEUED" and
                                  event["from"] == "RUNNING" and event, "the job is queued again")
        told = max(event["epoch"] for event in training.journalled() if event["type"] == "epoch")
        self.assertGreaterEqual(told, 3, requeued)
        # A few epochs may have been saved and not told; a run that starts over goes past them.
        training.until(lambda event: resumed_after(event) or event.get("epoch", 0) > told + 50, "the job resumes")
        resumed = resumed_after(training.objects[-1])
        self.assertGreaterEqual(resumed, told, training.objects[-1])
        training.until_epoch(resumed + 1)
        self.assert_event_files_have_no_gap(name, resumed + 1)
        self.cancel(name, training)
        self.assert_no_gap(training)
        changes = [(event["from"], event["to"]) for event in training.objects if event["type"] == "state"]
        self.assertEqual(changes.count(("RUNNING", "QUEUED")), 1, changes)
        # The journal says the same to someone who comes later.
        later = self.start_cli("jobs", "watch", name)
        self.assertEqual(later.finish(), 1)
        self.assertEqual(later.journalled(), training.journalled())

    def assert_event_files_have_no_gap(self, name, epoch):
        """While the job goes on: a reader has every epoch up to `epoch` and every step once, and saw one restart."""
        run = event_reader.Run(os.path.join(self.server.data_dir, "models", name, "logs"))
        self.assertEqual((len(run.files), len(run.restarts)), (2, 1))
        for tag, least in (("RMSE/val", epoch), ("Loss/batch", epoch)):
            steps = [step for step, _ in run.scalars[tag]]
            self.assertGreaterEqual(len(steps), least, tag)
            self.assertEqual(steps, list(range(1, len(steps) + 1)), tag)

    def drain(self):
        """SIGTERM; the server comes to its end by itself and is not ended when the drain timeout passes."""
        begin = self.server.log_size()
        self.assertEqual(self.server.terminate(STEP_DEADLINE), 0)
        log = self.server.log_from(begin)
        self.assertRegex(log, r"(?m)^\S+ info +stopped$")
        self.assertNotIn("the drain timeout has passed", log)

    def test_killing_the_client_leaves_the_job_running(self):
        training = self.start_training("orphan")
        training.until_epoch(2)
        training.kill()
        [status] = self.run_json("jobs", "status", "orphan")
        self.assertEqual(status["state"], "RUNNING")
        watcher = self.start_cli("jobs", "watch", "orphan")
        watcher.until_epoch(status["latest_epoch"]["epoch"] + 2)
        self.cancel("orphan", watcher)
        self.assert_no_gap(watcher)
        self.assertEqual(watcher.objects[-1]["restarts"], 0)

    def test_killing_the_server_resumes_the_job(self):
        training = self.start_training("survivor")
        training.until_epoch(3)
        self.server.kill()
        wait_until(lambda: not self.server.workers(), "the killed server's worker stops")
        self.server.start()
        self.assert_goes_on_from_its_checkpoint(training, "survivor")
        self.assertIn("the connection was lost", training.error_text())

    def test_killing_a_worker_restarts_the_job(self):
        training = self.start_training("restarted")
        training.until_epoch(3)
        [worker] = self.server.workers()
        os.kill(worker, signal.SIGKILL)
        self.assert_goes_on_from_its_checkpoint(training, "restarted")
        self.assertEqual(training.objects[-1]["restarts"], 1)

    def test_killing_one_of_two_processes_restarts_the_job(self):
        training = self.start_training("ranks", "--num-processes", "2")
        training.until_epoch(3)
        [worker] = self.server.workers()
        with open(f"/proc/{worker}/task/{worker}/children", encoding="ascii") as file:
            [rank] = file.read().split()
        os.kill(int(rank), signal.SIGKILL)
        self.assert_goes_on_from_its_checkpoint(training, "ranks")
        self.assertEqual(training.objects[-1]["restarts"], 1)
        [change] = [event for event in training.objects if event["type"] == "state" and event["to"] == "QUEUED" and
                    event["from"] == "RUNNING"]
        self.assertIn("rank 1 was killed by signal 9 (SIGKILL)", change["why"])

    def test_sigterm_drains_and_the_job_goes_on_after_a_restart(self):
        training = self.start_training("drained")
        training.until_epoch(3)
        self.drain()
        self.assertEqual(self.server.workers(), [])
        self.server.start()
        self.assert_goes_on_from_its_checkpoint(training, "drained")

    def test_a_second_sigterm_ends_the_server_at_once(self):
        training = self.start_training("impatient")
        training.until_epoch(3)
        [worker] = self.server.workers()
        os.kill(worker, signal.SIGSTOP)  # It cannot stop, so that the drain cannot end.
        begin = self.server.log_size()
        self.server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: re.search(r"(?m)^\S+ info +draining ", self.server.log_from(begin)), "the server drains")
        self.assertEqual(self.server.terminate(), 128 + signal.SIGTERM)
        self.assertNotRegex(self.server.log_from(begin), r"(?m)^\S+ info +stopped$")
        wait_until(lambda: not self.server.workers(), "the server's worker is gone")
        self.server.start()
        self.assert_goes_on_from_its_checkpoint(training, "impatient")

    def test_an_idle_server_stops_by_itself(self):
        self.drain()


if __name__ == "__main__":
    unittest.main()
