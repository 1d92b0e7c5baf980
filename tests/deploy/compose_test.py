"""The Compose files: what they say, and that the server and its health check work with it."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN_DIR = pathlib.Path(os.environ["DEEPBINDNET_BIN_DIR"])
SERVER = str(BIN_DIR / "deepbindnet-server")
BASE = ROOT / "deploy" / "compose.yaml"
TLS = ROOT / "deploy" / "compose.tls.yaml"
DEADLINE = 120


class Loader(yaml.SafeLoader):
    """Knows the tag by which Compose replaces a list instead of extending it."""


Loader.add_constructor("!override", lambda loader, node: loader.construct_sequence(node))


def load(path):
    return yaml.load(path.read_text(encoding="utf-8"), Loader)


def server_of(path):
    return load(path)["services"]["server"]


def image_environment():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [block] = re.findall(r"^ENV ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    return dict(re.findall(r"(\w+)=(\S+)", block))


def published_ports(path):
    for service in load(path)["services"].values():
        yield from service.get("ports", [])


def run(*arguments, **options):
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=DEADLINE, **options)


class ComposeTest(unittest.TestCase):
    def test_names_only_options_of_the_server(self):
        options = set(re.findall(r"\(Env:(DEEPBINDNET_\w+)\)", run(SERVER, "--help").stdout))
        self.assertIn("DEEPBINDNET_TLS_CERT", options)
        self.assertEqual(set(image_environment()) - options, set())
        for path in (BASE, TLS):
            with self.subTest(file=path.name):
                in_comments = re.findall(r"# (DEEPBINDNET_\w+):", path.read_text(encoding="utf-8"))
                self.assertEqual((set(server_of(path).get("environment", {})) | set(in_comments)) - options, set())

    def test_without_tls_every_port_is_published_on_loopback_alone(self):
        ports = list(published_ports(BASE))
        self.assertEqual(len(ports), 3)
        for port in ports:
            self.assertTrue(port.startswith("127.0.0.1:"), port)

    def test_with_tls_grpc_alone_is_published(self):
        self.assertEqual(list(published_ports(TLS)), ["50051:50051"])

    def test_every_file_comes_from_a_folder_that_is_mounted_read_only(self):
        [mount] = server_of(TLS)["volumes"]
        self.assertEqual((mount["type"], mount["read_only"]), ("bind", True))
        for path in re.findall(r"/etc/[\w./-]+\.\w+|/etc/\w+/tokens", TLS.read_text(encoding="utf-8")):
            self.assertEqual(os.path.dirname(path), mount["target"])

    def test_secrets_stay_out_of_git_and_of_the_image(self):
        self.assertIn("/deploy/secrets/\n", (ROOT / ".gitignore").read_text(encoding="utf-8"))
        self.assertIn("deploy/secrets\n", (ROOT / ".dockerignore").read_text(encoding="utf-8"))


class TlsServerTest(unittest.TestCase):
    """The server on this machine, in the environment that it has in its container."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = {**image_environment(), **server_of(TLS)["environment"]}
        [mount] = server_of(TLS)["volumes"]
        for name, value in self.environment.items():
            self.environment[name] = value.replace(mount["target"], folder.name)
        self.environment["DEEPBINDNET_DATA_DIR"] = str(self.folder / "data")
        self.make_secrets()

    def make_secrets(self):
        made = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                   "-subj", "/CN=gpu-box", "-addext", "subjectAltName=DNS:gpu-box",
                   "-keyout", self.environment["DEEPBINDNET_TLS_KEY"], "-out", self.environment["DEEPBINDNET_TLS_CERT"])
        self.assertEqual(made.returncode, 0, made.stderr)
        added = run(SERVER, "tokens", "add", "--tokens-file", self.environment["DEEPBINDNET_TOKENS_FILE"], "--name", "alice",
                    "--role", "submitter")
        self.assertEqual(added.returncode, 0, added.stderr)

    def check_config(self):
        return run(SERVER, "--check-config", env=self.environment)

    def start(self):
        """On loopback, and from then on in the environment too."""
        self.environment["DEEPBINDNET_LISTEN"] = "127.0.0.1:0"
        self.environment["DEEPBINDNET_METRICS_LISTEN"] = "off"
        log = open(self.folder / "log", "w", encoding="utf-8")
        self.addCleanup(log.close)
        server = subprocess.Popen([SERVER], env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        ready = server.stdout.readline()
        listening = re.search(r"listening on (\S+)", ready)
        self.assertTrue(listening, ready + (self.folder / "log").read_text(encoding="utf-8"))
        self.environment["DEEPBINDNET_LISTEN"] = listening.group(1).rstrip(",")

    def probe(self):
        return run(str(BIN_DIR / "deepbindnet-healthcheck"), env=self.environment)

    def test_the_server_accepts_it(self):
        checked = self.check_config()
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_clear_text_is_not_allowed(self):
        for name in ("DEEPBINDNET_TOKENS_FILE", "DEEPBINDNET_TLS_CERT"):
            with self.subTest(without=name):
                kept = self.environment.pop(name)
                self.assertEqual(self.check_config().returncode, 2)
                self.environment[name] = kept

    def test_the_health_check_finds_the_server_healthy(self):
        self.start()
        probed = self.probe()
        self.assertEqual((probed.returncode, probed.stderr), (0, ""))

    def test_also_where_clients_must_have_a_certificate(self):
        # Signed by itself, it is its own authority.
        self.environment["DEEPBINDNET_TLS_CLIENT_CA"] = self.environment["DEEPBINDNET_TLS_CERT"]
        self.start()
        probed = self.probe()
        self.assertEqual((probed.returncode, probed.stderr), (0, ""))
        del self.environment["DEEPBINDNET_TLS_CERT"], self.environment["DEEPBINDNET_TLS_KEY"]
        self.assertEqual(self.probe().returncode, 1)


if __name__ == "__main__":
    unittest.main()
