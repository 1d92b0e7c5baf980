"""Which metrics the dashboard's panels and Prometheus' rules ask for, and which the server's sources name."""
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]

LITERAL = re.compile(r'"((?:deepbindnet|grpc_server|process)_[a-z0-9_]+)"')
# What only some servers export, and what they need for it.
CONDITIONS = {
    "deepbindnet_tls_certificate_expiry_timestamp_seconds": "TLS",
    "deepbindnet_gpu_memory_used_bytes": "NVIDIA GPUs",
    "deepbindnet_gpu_memory_total_bytes": "NVIDIA GPUs",
    "deepbindnet_gpu_utilization_ratio": "NVIDIA GPUs",
}
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


def panels():
    for path in (ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"):
        yield from json.loads(path.read_text(encoding="utf-8"))["panels"]


def dashboard_expressions():
    """(panel's title, expression)."""
    for panel in panels():
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def rule_expressions():
    """(what is recorded or alerted, expression); the one form of YAML that the rules are written in."""
    for path in (ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        for kind, name, body in re.findall(r"- (record|alert): (\S+)\n((?:\s{8,}.*\n)+)", text):
            expression = re.search(r"expr:\s*(?:>\n((?:\s{10,}.*\n)+)|(.*)\n)", body)
            yield kind, name, expression.group(1) or expression.group(2)


def asked_metrics():
    """What panels and rules ask the server for."""
    rules = list(rule_expressions())
    recorded = {name for kind, name, _ in rules if kind == "record"}
    expressions = [expression for _, expression in dashboard_expressions()] + [expression for *_, expression in rules]
    return set().union(*map(metrics_in, expressions)) - recorded - SCRAPE_METRICS
