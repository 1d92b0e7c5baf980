"""Processes that die: the command line, the server, a worker."""

import os
import signal
import unittest

from harness import STEP_DEADLINE, TINY, ServerTest, wait_until

EPOCHS = 30


class ResilienceTest(ServerTest):
    def setUp(self):
        if self.server.process.poll() is not None:
            self.server.start()

    def start_training(self, name):
        return self.start_cli("train", "--dataset", "demo", "--name", name, "--num-epochs", str(EPOCHS), *TINY)

    def assert_complete(self, events):
        """Every epoch once, in order; sequences from 1 without a gap or a repeat among those shown."""
        self.assertEqual([event["epoch"] for event in events if event["type"] == "epoch"], list(range(1, EPOCHS + 1)))
        sequences = [event["sequence"] for event in events if "sequence" in event]
        self.assertEqual(sequences, sorted(set(sequences)))
        self.assertEqual(events[-1]["state"], "SUCCEEDED")
        self.assertEqual(events[-1]["epochs_run"], EPOCHS)

    def test_killing_the_client_leaves_the_job_running(self):
        training = self.start_training("orphan")
        training.until_epoch(2)
        training.kill()
        [status] = self.run_json("jobs", "status", "orphan")
        self.assertEqual(status["state"], "RUNNING")
        self.assert_complete(self.run_json("jobs", "watch", "orphan"))

    def test_killing_the_server_resumes_the_job(self):
        training = self.start_training("survivor")
        training.until_epoch(3)
        self.server.kill()
        wait_until(lambda: not self.server.workers(), "the killed server's worker stops")
        self.server.start()
        self.assertEqual(training.finish(), 0, training.objects[-1:])
        self.assert_complete(training.objects)
        self.assertIn("the connection was lost", training.error_text())
        # The journal says the same to someone who comes later.
        self.assert_complete(self.run_json("jobs", "watch", "survivor"))

    def test_killing_a_worker_restarts_the_job(self):
        training = self.start_training("restarted")
        training.until_epoch(2)
        [worker] = self.server.workers()
        os.kill(worker, signal.SIGKILL)
        self.assertEqual(training.finish(), 0, training.objects[-1:])
        self.assert_complete(training.objects)
        self.assertEqual(training.objects[-1]["restarts"], 1)

    def test_sigterm_drains_and_the_job_goes_on_after_a_restart(self):
        training = self.start_training("drained")
        training.until_epoch(2)
        self.assertEqual(self.server.terminate(STEP_DEADLINE), 0)
        self.assertEqual(self.server.workers(), [])
        self.server.start()
        self.assertEqual(training.finish(), 0, training.objects[-1:])
        self.assert_complete(training.objects)

    def test_an_idle_server_stops_at_once(self):
        self.assertEqual(self.server.terminate(STEP_DEADLINE), 0)


if __name__ == "__main__":
    unittest.main()
