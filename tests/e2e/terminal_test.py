"""The command line on a terminal: a bar while something runs, and Ctrl-C that detaches."""

import contextlib
import os
import pty
import re
import subprocess
import unittest

from harness import ENVIRONMENT, STEP_DEADLINE, TINY, ServerTest, program, wait_until


class Terminal:
    """A program whose standard streams are a pseudo-terminal."""

    def __init__(self, arguments):
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.process = subprocess.Popen(arguments, stdin=slave, stdout=slave, stderr=slave, env=ENVIRONMENT,
                                        start_new_session=True, preexec_fn=lambda: os.ttyname(0) and self.adopt())
        os.close(slave)
        self.text = ""

    @staticmethod
    def adopt():
        # Opening a terminal makes it the new session's own, so that Ctrl-C becomes SIGINT.
        os.close(os.open(os.ttyname(0), os.O_RDWR))

    def read(self):
        with contextlib.suppress(BlockingIOError, OSError):
            while data := os.read(self.master, 65536):
                self.text += data.decode(errors="replace")
        return self.text

    def wait_for(self, pattern):
        wait_until(lambda: re.search(pattern, self.read()), f"{pattern} on the terminal: {self.text[-500:]!r}")

    def press(self, keys):
        os.write(self.master, keys)

    def wait(self):
        wait_until(lambda: self.read() is not None and self.process.poll() is not None, "the program ends")
        self.read()
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)


class TerminalTest(ServerTest):
    def start(self, *arguments):
        terminal = Terminal([program("deepbindnet"), "--server", self.server.address, *arguments])
        self.addCleanup(terminal.close)
        return terminal

    def test_an_upload_and_a_training_show_a_bar_and_epoch_lines(self):
        upload = self.start("datasets", "prepare", self.csv, "--name", "bar")
        self.assertEqual(upload.wait(), 0, upload.text)
        self.assertRegex(upload.text, r"uploading \[#+\] 100%")
        training = self.start("train", "--dataset", "demo", "--name", "bar", "--num-epochs", "3", *TINY)
        self.assertEqual(training.wait(), 0, training.text)
        self.assertRegex(training.text, r"\[[#>.]+\] +\d+%")
        self.assertRegex(training.text, r"epoch +3/3 .* val rmse \d")
        self.assertRegex(training.text, r"test \(\d+ pairs\)  mse \d")

    def test_control_c_detaches_and_says_how_to_come_back(self):
        training = self.start("train", "--dataset", "demo", "--name", "left", "--num-epochs", "100000", *TINY)
        training.wait_for(r"epoch +1/")
        training.press(b"\x03")
        self.assertEqual(training.wait(), 130, training.text)
        command = re.search(r"re-attach: deepbindnet (.* jobs watch \S+)", training.text)
        self.assertTrue(command, training.text)
        [status] = self.run_json("jobs", "status", "left")
        self.assertEqual(status["state"], "RUNNING")
        again = Terminal([program("deepbindnet"), *command.group(1).split()])
        self.addCleanup(again.close)
        again.wait_for(r"epoch +1/")
        again.press(b"\x03")
        self.assertEqual(again.wait(), 130)
        self.run_json("jobs", "cancel", "left")
        wait_until(lambda: self.run_json("jobs", "status", "left")[0]["state"] == "CANCELLED", "the job is cancelled",
                   STEP_DEADLINE)


if __name__ == "__main__":
    unittest.main()
