"""What the end-to-end tests share: the built programs, a server on a free port, the command line, deadlines."""

import contextlib
import csv
import glob
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

BIN_DIR = os.environ["DEEPBINDNET_BIN_DIR"]
SOURCE_DIR = os.environ["DEEPBINDNET_SOURCE_DIR"]

# Seconds. Generous, because other tests may share the machine; nothing waits this long when all is well.
START_DEADLINE = 60
STEP_DEADLINE = 120
JOB_DEADLINE = 300

# A network and a schedule that train in seconds.
TINY = ["--hidden_dim", "16", "--feature_dim", "32", "--fusion_heads", "2", "--batch_size", "64", "--patience", "0",
        "--seed", "7"]

# More epochs than a test can wait for: such a training runs until it is cancelled, so that nothing ends too early.
UNENDING = "100000"

ENVIRONMENT = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "LC_ALL": "C.UTF-8"}
ENVIRONMENT.pop("DEEPBINDNET_SERVER", None)


def program(name):
    return os.path.join(BIN_DIR, name)


def wait_until(condition, what, deadline=STEP_DEADLINE):
    """Polls `condition` until it returns something true, and returns that."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        time.sleep(0.02)


def fetch(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=30) as response:
        return response.read().decode()


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def synthesize(path, pairs=600, seed=3):
    subprocess.run([program("deepbindnet-worker"), "synthesize", "--out", path, "--pairs", str(pairs), "--seed",
                    str(seed)], check=True, env=ENVIRONMENT, capture_output=True, timeout=STEP_DEADLINE)
    return path


def run_server(*arguments):
    """Runs deepbindnet-server where it is to end by itself."""
    return subprocess.run([program("deepbindnet-server"), *arguments], capture_output=True, text=True, env=ENVIRONMENT,
                          timeout=START_DEADLINE)


def tensors_of(path):
    """Name -> bytes of every tensor of a checkpoint."""
    import torch
    found = {}

    def collect(name, value):
        if isinstance(value, torch.Tensor):
            found[name] = (str(value.dtype), tuple(value.shape), value.contiguous().numpy().tobytes())
        elif isinstance(value, dict):
            for key in value:
                collect(f"{name}/{key}", value[key])

    collect("", torch.load(path, map_location="cpu"))
    return found


# The standard services' wire format, as far as it is used here.
STANDARD_PROTOS = {
    "health.proto": """
        syntax = "proto3"; package grpc.health.v1;
        message HealthCheckRequest { string service = 1; }
        message HealthCheckResponse {
          enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
          ServingStatus status = 1;
        }
        service Health { rpc Check(HealthCheckRequest) returns (HealthCheckResponse); }""",
    "reflection.proto": """
        syntax = "proto3"; package grpc.reflection.v1alpha;
        message ServerReflectionRequest { string file_containing_symbol = 4; string list_services = 7; }
        message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
        message ServiceResponse { string name = 1; }
        message ListServiceResponse { repeated ServiceResponse service = 1; }
        message ServerReflectionResponse {
          FileDescriptorResponse file_descriptor_response = 4;
          ListServiceResponse list_services_response = 6;
        }
        service ServerReflection {
          rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse);
        }""",
}


def generate_stubs(directory):
    """Python modules for the service's and the standard protos, importable from `directory`."""
    for name, text in STANDARD_PROTOS.items():
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(text)
    plugin = shutil.which("grpc_python_plugin")
    subprocess.run(["protoc", "-I", os.path.join(SOURCE_DIR, "proto"), "-I", directory, "--python_out", directory,
                    "--grpc_out", directory, f"--plugin=protoc-gen-grpc={plugin}", "deepbindnet/v1/types.proto",
                    "deepbindnet/v1/deepbindnet.proto", "google/rpc/error_details.proto", "google/rpc/status.proto",
                    *STANDARD_PROTOS], check=True, timeout=STEP_DEADLINE)


class Server:
    """A deepbindnet-server of its own. It keeps its port over a restart, so that clients find it again."""

    def __init__(self, data_dir, options=()):
        self.data_dir = data_dir
        self.options = list(options)
        self.environment = ENVIRONMENT
        self.process = None
        self.address = "127.0.0.1:0"
        self.metrics = "127.0.0.1:0"
        self.log_path = data_dir + ".log"

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [program("deepbindnet-server"), "--listen", self.address, "--metrics-listen", self.metrics, "--data-dir",
                 self.data_dir, *self.options], stdout=subprocess.PIPE, stderr=log, env=self.environment, text=True)
        lines = Lines(self.process.stdout)
        ready = lines.next(START_DEADLINE)
        match = ready and re.search(r"listening on (\S+:\d+), metrics on (\S+:\d+)", ready)
        if not match:
            self.stop()
            raise AssertionError(f"the server did not get ready: {ready!r}\n{self.log()}")
        self.address, self.metrics = match.groups()
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def terminate(self, deadline=STEP_DEADLINE):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=deadline)
        self.process.stdout.close()
        return code

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        try:
            self.terminate()
        except subprocess.TimeoutExpired:
            self.kill()

    def log(self):
        return self.log_from(0)[-4000:]

    def log_size(self):
        return os.path.getsize(self.log_path)

    def log_from(self, offset):
        """What was logged since log_size() was `offset`."""
        with open(self.log_path, "rb") as file:
            file.seek(offset)
            return file.read().decode(errors="replace")

    def workers(self):
        """Process ids of this server's workers, found by the data directory in their arguments."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            with contextlib.suppress(OSError), open(path, "rb") as file:
                arguments = file.read().split(b"\0")
                if arguments[0].endswith(b"deepbindnet-worker") and any(
                        self.data_dir.encode() in argument for argument in arguments):
                    found.append(int(path.split("/")[2]))
        return found

    def scrape(self):
        return fetch(f"http://{self.metrics}/metrics")


class Lines:
    """Lines of a pipe, read by a thread so that waiting for one has a deadline."""

    def __init__(self, stream):
        self.queue = queue.Queue()
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream):
        with contextlib.suppress(ValueError):  # Closed meanwhile.
            for line in stream:
                self.queue.put(line)
        self.queue.put(None)

    def next(self, deadline=STEP_DEADLINE):
        """The next line; None at the end."""
        try:
            return self.queue.get(timeout=deadline)
        except queue.Empty:
            raise AssertionError(f"no line within {deadline} s") from None


class Cli:
    """A running `deepbindnet --json ...` whose objects are read one by one."""

    def __init__(self, server, arguments):
        self.process = subprocess.Popen([program("deepbindnet"), "--server", server.address, "--json", *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        self.lines = Lines(self.process.stdout)
        self.errors = Lines(self.process.stderr)
        self.objects = []

    def next(self, deadline=JOB_DEADLINE):
        line = self.lines.next(deadline)
        if line is None:
            return None
        self.objects.append(json.loads(line))
        return self.objects[-1]

    def until(self, condition, what):
        """Reads on to the first object that meets `condition`; returns what that is."""
        while (event := self.next()) is not None:
            if found := condition(event):
                return found
        raise AssertionError(f"ended before {what}: {self.objects[-1:]} {self.error_text()}")

    def until_epoch(self, epoch):
        return self.until(lambda event: event["type"] == "epoch" and event["epoch"] >= epoch and event, f"epoch {epoch}")

    def finish(self):
        """Reads to the end; returns the exit code."""
        while self.next() is not None:
            pass
        return self.process.wait(timeout=STEP_DEADLINE)

    def error_text(self):
        text = ""
        while (line := self.errors.next()) is not None:
            text += line
        return text

    def epochs(self):
        return [event["epoch"] for event in self.objects if event["type"] == "epoch"]

    def journalled(self):
        return [event for event in self.objects if "sequence" in event]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.process.stdout.close()
        self.process.stderr.close()


class ServerTest(unittest.TestCase):
    """A server for all tests of a class, with a small data set called `demo` where `with_dataset` is set."""

    with_dataset = True
    server_options = ()

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="deepbindnet-e2e-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.make_files()
        cls.server = Server(cls.path("data"), cls.server_options)
        cls.addClassCleanup(lambda: cls.server.stop())
        cls.server.start()
        if cls.with_dataset:
            cls.csv = synthesize(cls.path("demo.csv"))
            cls.prepared = cls.run_json("datasets", "prepare", cls.csv, "--name", "demo")

    @classmethod
    def make_files(cls):
        """Before the server starts: what `server_options` name."""

    @classmethod
    def path(cls, name):
        return os.path.join(cls.directory, name)

    @classmethod
    def run_cli(cls, *arguments, deadline=JOB_DEADLINE, environment=ENVIRONMENT):
        return subprocess.run([program("deepbindnet"), "--server", cls.server.address, *arguments],
                              capture_output=True, text=True, env=environment, timeout=deadline)

    @classmethod
    def run_json(cls, *arguments):
        """Runs a command that must succeed; returns its JSON lines."""
        result = cls.run_cli("--json", *arguments)
        if result.returncode != 0:
            raise AssertionError(f"{arguments} exited {result.returncode}: {result.stderr}\n{cls.server.log()}")
        return [json.loads(line) for line in result.stdout.splitlines()]

    def start_cli(self, *arguments):
        cli = Cli(self.server, arguments)
        self.addCleanup(cli.close)
        return cli

    def start_training(self, name, *options, epochs=UNENDING):
        """A training on `demo` that is followed, and cancelled where it has not ended when the test has."""
        self.addCleanup(self.run_cli, "jobs", "cancel", name)
        return self.start_cli("train", "--dataset", "demo", "--name", name, "--num-epochs", epochs, *TINY, *options)

    def assert_no_gap(self, watcher):
        """Every epoch once, in order; sequences rise among the events that are shown."""
        self.assertEqual(watcher.epochs(), list(range(1, len(watcher.epochs()) + 1)))
        sequences = [event["sequence"] for event in watcher.journalled()]
        self.assertEqual(sequences, sorted(set(sequences)))

    def assert_one_error_line(self, result, exit_code, *parts):
        self.assertEqual(result.returncode, exit_code, result.stderr + result.stdout)
        self.assertRegex(result.stderr, r"\Aerror: [^\n]+\n\Z")
        for part in parts:
            self.assertIn(part, result.stderr)
