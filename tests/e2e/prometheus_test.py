"""The real Prometheus scrapes the server, and promtool reads its metrics."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.parse

from harness import ENVIRONMENT, SOURCE_DIR, STEP_DEADLINE, TINY, Server, ServerTest, fetch, read_csv, wait_until

sys.path.insert(0, os.path.join(SOURCE_DIR, "tests", "support"))
from metric_names import CONDITIONS, asked_metrics, is_exported

CONFIG = """
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: deepbindnet
    static_configs:
      - targets: ["{target}"]
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def exported(server):
    return set(re.findall(r"^# TYPE (\w+) ", server.scrape(), re.MULTILINE))


class PrometheusTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_json("train", "--dataset", "demo", "--name", "model", "--num-epochs", "1", *TINY)
        config = cls.path("prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(target=cls.server.metrics))
        cls.url = f"http://127.0.0.1:{free_port()}"
        with open(cls.path("prometheus.log"), "wb") as log:
            cls.prometheus = subprocess.Popen(
                ["prometheus", "--config.file", config, "--storage.tsdb.path", cls.path("tsdb"),
                 "--web.listen-address", cls.url.removeprefix("http://")], stdout=log, stderr=log, env=ENVIRONMENT)
        cls.addClassCleanup(cls.stop_prometheus)

    @classmethod
    def stop_prometheus(cls):
        cls.prometheus.terminate()
        cls.prometheus.wait(timeout=STEP_DEADLINE)

    def query(self, expression):
        """The result once there is one; before, Prometheus may not listen or not have scraped."""
        url = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"

        def ask():
            self.assertIsNone(self.prometheus.poll(), "prometheus has ended")
            try:
                return json.loads(fetch(url))["data"]["result"]
            except (urllib.error.URLError, ConnectionError):
                return None

        return wait_until(ask, f"Prometheus answers {expression}")

    def test_the_scrape_works(self):
        [up] = self.query("up == 1")
        self.assertEqual(up["metric"]["instance"], self.server.metrics)

    def test_jobs_are_counted_by_kind_and_state(self):
        series = self.query('deepbindnet_jobs{state="succeeded"} > 0')
        self.assertEqual({"train", "prepare_dataset"} - {one["metric"]["kind"] for one in series}, set())

    def test_calls_are_counted(self):
        [calls] = self.query('grpc_server_handled_total{grpc_method="StartTraining", grpc_code="OK"} > 0')
        self.assertEqual(calls["metric"]["grpc_service"], "deepbindnet.v1.DeepBindNet")
        [failures] = self.query('grpc_server_handled_total{grpc_method="StartTraining", grpc_code="INTERNAL"}')
        self.assertEqual(failures["value"][1], "0")

    def test_predictions_are_counted_in_pairs(self):
        row = read_csv(self.csv)[0]
        self.run_json("predict", "--model", "model", "--smiles", row["compound_iso_smiles"], "--sequence",
                      row["target_sequence"])
        self.assertTrue(self.query("deepbindnet_predict_pairs_total > 0"))

    def test_a_running_training_is_shown(self):
        training = self.start_cli("train", "--dataset", "demo", "--name", "long", "--num-epochs", "100000", *TINY)
        training.until_epoch(1)
        for metric in ("epoch", "loss"):
            self.assertTrue(self.query(f'deepbindnet_training_{metric}{{model="long"}} > 0'), metric)
        wait_until(lambda: not self.missing_metrics(), "all that panels and rules ask for is exported")
        self.assertNotIn("deepbindnet_tls_certificate_expiry_timestamp_seconds", exported(self.server))
        self.run_json("jobs", "cancel", "long")
        self.assertEqual(training.finish(), 1)

    def missing_metrics(self):
        names = exported(self.server)
        return [name for name in asked_metrics() - set(CONDITIONS) if not is_exported(name, names)]

    def test_latencies_are_histograms(self):
        self.assertTrue(self.query("histogram_quantile(0.5, sum by (le) (grpc_server_handling_seconds_bucket))"))

    def test_promtool_finds_nothing_wrong(self):
        result = subprocess.run(["promtool", "check", "metrics"], input=self.server.scrape(), capture_output=True,
                                text=True, env=ENVIRONMENT, timeout=STEP_DEADLINE)
        self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""))


class ConditionsTest(unittest.TestCase):
    """A server with TLS and what looks like NVIDIA's management library."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="deepbindnet-e2e-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        certificate, key = self.path("server.pem"), self.path("server.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=server", "-days", "30", "-keyout", key, "-out", certificate], check=True,
                       capture_output=True, timeout=STEP_DEADLINE)
        shutil.copy(os.environ["DEEPBINDNET_FAKE_NVML"], self.path("libnvidia-ml.so.1"))
        self.server = Server(self.path("data"), ["--tls-cert", certificate, "--tls-key", key])
        self.server.environment = {**ENVIRONMENT, "LD_LIBRARY_PATH": self.directory}
        self.addCleanup(self.server.stop)
        self.server.start()

    def path(self, name):
        return os.path.join(self.directory, name)

    def test_what_depends_on_the_server_is_exported_where_it_can_be(self):
        self.assertEqual(set(CONDITIONS) - exported(self.server), set())


if __name__ == "__main__":
    unittest.main()
