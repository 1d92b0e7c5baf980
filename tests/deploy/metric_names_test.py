"""Every metric that a dashboard panel or a rule asks for must be one that the server exports."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from metric_names import (  # noqa: E402
    CONDITIONS,
    dashboard_expressions,
    exported_metrics,
    is_exported,
    metrics_in,
    panels,
    rule_expressions,
)

OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def in_table(name):
    return r"process_\*" if name.startswith("process_") else name


class MetricsInTest(unittest.TestCase):
    def test_finds_metrics_and_nothing_else(self):
        self.assertEqual(
            metrics_in('sum by (le, job) (rate(a_bucket{x="b_c", y=~"d"}[5m])) / on (z) e:f:g > 0.5 and up == bool 1'),
            {"a_bucket", "e:f:g", "up"},
        )
        self.assertEqual(metrics_in("histogram_quantile(0.99, sum(rate(h_bucket[$__rate_interval])) by (le))"), {"h_bucket"})

    def test_a_histogram_has_its_three_series(self):
        self.assertTrue(is_exported("h_bucket", {"h"}))
        self.assertFalse(is_exported("h_total", {"h"}))
        self.assertFalse(is_exported("g", {"h"}))


class MetricNamesTest(unittest.TestCase):
    def setUp(self):
        self.exported = exported_metrics()
        self.assertGreater(len(self.exported), 10, "server/metrics names hardly any metric")

    def test_every_panel_shows_what_the_server_exports(self):
        recorded = {name for kind, name, _ in rule_expressions() if kind == "record"}
        expressions = list(dashboard_expressions())
        self.assertGreater(len(expressions), 10)
        for where, expression in expressions:
            for name in metrics_in(expression):
                with self.subTest(panel=where, metric=name):
                    self.assertTrue(name in recorded or is_exported(name, self.exported))

    def test_a_panel_says_what_its_metrics_need(self):
        shown = set()
        for panel in panels():
            for target in panel.get("targets", []):
                for name in metrics_in(target["expr"]) & set(CONDITIONS):
                    shown.add(name)
                    with self.subTest(panel=panel["title"], metric=name):
                        self.assertIn(f"no data without {CONDITIONS[name]}", panel["description"])
        self.assertEqual(shown, set(CONDITIONS))

    def test_every_panel_asks_in_valid_promql(self):
        lines = ["groups:", "- name: panels", "  rules:"]
        for number, (_, expression) in enumerate(dashboard_expressions()):
            lines += [f"  - record: panel:{number}", f"    expr: {json.dumps(expression.replace('$__rate_interval', '1m'))}"]
        with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as rules:
            rules.write("\n".join(lines) + "\n")
            rules.flush()
            checked = subprocess.run(
                ["promtool", "check", "rules", rules.name], capture_output=True, text=True, check=False
            )
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_every_rule_reads_what_the_server_exports(self):
        rules = list(rule_expressions())
        recorded = {name for kind, name, _ in rules if kind == "record"}
        self.assertGreater(len(rules), 5)
        for _, rule, expression in rules:
            self.assertTrue(metrics_in(expression), rule)
            for name in metrics_in(expression):
                with self.subTest(rule=rule, metric=name):
                    self.assertTrue(name in recorded or is_exported(name, self.exported))

    def test_every_metric_is_in_the_documentation(self):
        for name in self.exported:
            with self.subTest(metric=name):
                self.assertRegex(OPERATIONS, rf"\| `(?:[a-z_]+`, `)*{in_table(name)}`")

    def test_every_alert_is_in_the_documentation_and_is_fired_by_a_test(self):
        alerts = {name for kind, name, _ in rule_expressions() if kind == "alert"}
        self.assertEqual(alerts, set(re.findall(r"^\| `(DeepBindNet\w+)` \|", OPERATIONS, re.MULTILINE)))
        tests = (ROOT / "tests" / "deploy" / "rules_test.yml").read_text(encoding="utf-8")
        self.assertEqual(alerts, set(re.findall(r"alertname: (\w+)\n\s+exp_alerts:", tests)))


if __name__ == "__main__":
    sys.exit(unittest.main())
