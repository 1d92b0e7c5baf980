"""Every metric that a dashboard panel or a rule asks for must be one that the server exports."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

LITERAL = re.compile(r'"((?:deepbindnet|grpc_server|process)_[a-z0-9_]+)"')
HISTOGRAM_SUFFIXES = ("_bucket", "_sum", "_count")
# Made by Prometheus itself for every target.
SCRAPE_METRICS = {"up"}

STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'')
LABELS = re.compile(r"\{[^}]*\}|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
RANGE = re.compile(r"\[[^\]]*\]|\$__\w+|\$\{?\w+\}?")
NAME = re.compile(r"\b([a-zA-Z_:][a-zA-Z0-9_:]*)\b(?!\s*\()")
NUMBER_OR_WORD = re.compile(
    r"^(?:and|or|unless|bool|offset|by|without|on|ignoring|group_left|group_right|inf|nan|\d.*)$", re.IGNORECASE
)


def metrics_in(expression):
    """The metric names in a PromQL expression."""
    bare = STRING.sub("", expression)
    bare = RANGE.sub("", LABELS.sub("", bare))
    return {name for name in NAME.findall(bare) if not NUMBER_OR_WORD.match(name)}


def is_exported(name, exported):
    if name in exported | SCRAPE_METRICS:
        return True
    return any(name.endswith(suffix) and name[: -len(suffix)] in exported for suffix in HISTOGRAM_SUFFIXES)


def exported_metrics():
    """The names in server/metrics: each metric's name stands there as one string literal."""
    names = set()
    for path in (ROOT / "server" / "metrics").glob("*.[ch]*"):
        names.update(LITERAL.findall(path.read_text(encoding="utf-8")))
    return names


def dashboard_expressions():
    for path in (ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"):
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                yield f'{path.name}: {panel["title"]}', target["expr"]


def rule_expressions():
    """(what is recorded or alerted, expression); the one form of YAML that the rules are written in."""
    for path in (ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        for kind, name, body in re.findall(r"- (record|alert): (\S+)\n((?:\s{8,}.*\n)+)", text):
            expression = re.search(r"expr:\s*(?:>\n((?:\s{10,}.*\n)+)|(.*)\n)", body)
            yield kind, name, expression.group(1) or expression.group(2)


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


if __name__ == "__main__":
    sys.exit(unittest.main())
