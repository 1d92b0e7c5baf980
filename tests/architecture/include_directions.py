#!/usr/bin/env python3
"""Fails on every #include that goes against the layers of docs/architecture.md.

usage: include_directions.py [ROOT]      exit code 0: none found, 1: each is named, 2: nothing to check
"""
import pathlib
import re
import sys
from typing import Iterator, List, NamedTuple, Optional

# Which parts of core a part may include besides itself.
CORE_EDGES = {
    "base": [],
    "csv": ["base"],
    "compute": ["base"],
    "chem": ["base"],
    "data": ["base", "csv", "compute", "chem"],
    "prior": ["base", "compute", "chem", "data"],
    "model": ["base", "compute", "chem", "data", "prior"],
    "evaluation": ["base"],
    "training": ["base", "compute", "chem", "data", "prior", "model", "evaluation"],
    "inference": ["base", "compute", "chem", "data", "prior", "model", "evaluation"],
}

# Parts of core that compile fast: their users pay nothing for LibTorch.
WITHOUT_TORCH = ("base", "csv")

# Headers from outside the tree, by what they belong to.
TORCH = re.compile(r"(torch|ATen|c10|caffe2)/")
RPC = re.compile(r"(grpc|grpcpp|grpc\+\+|google/protobuf|deepbindnet/v1|google/rpc)/|.*\.pb\.h$")
PROMETHEUS = re.compile(r"prometheus/")
RDKIT = re.compile(
    r"(rdkit|GraphMol|RDGeneral|RDBoost|RDStreams|DataStructs|Geometry|ForceField|ChemicalFeatures|Query|Numerics)/"
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
ROOTS = ("core", "proto", "server", "client", "deploy", "tests")


class Include(NamedTuple):
    source: str  # Path from the root, with '/'.
    line: int
    header: str  # As written.


def is_ours(header: str) -> bool:
    return header.split("/")[0] in ROOTS and "/" in header


def core_violation(source: str, header: str) -> Optional[str]:
    part = source.split("/")[1]
    if part not in CORE_EDGES:
        return f"core/{part} is no known part of core; add it to {pathlib.Path(__file__).name}"
    if RPC.match(header) or PROMETHEUS.match(header):
        return "core knows neither gRPC, Protobuf nor Prometheus"
    if part in WITHOUT_TORCH and TORCH.match(header):
        return f"core/{part} is free of LibTorch"
    if is_ours(header):
        root, other = header.split("/")[:2]
        if root != "core":
            return f"core does not include {root}"
        if other != part and other not in CORE_EDGES[part]:
            return f"core/{part} may include only core/{{{','.join([part] + CORE_EDGES[part])}}}"
    return None


def proto_violation(source: str, header: str) -> Optional[str]:
    if is_ours(header) and not header.startswith("proto/flags/"):
        return "proto may include only proto/flags and the generated protos"
    if TORCH.match(header) or PROMETHEUS.match(header):
        return "proto knows neither LibTorch nor Prometheus"
    return None


def server_violation(source: str, header: str) -> Optional[str]:
    if is_ours(header) and not header.startswith(("server/", "core/", "proto/flags/")):
        return "server may include only server, core, proto/flags and the generated protos"
    return None


def client_violation(source: str, header: str) -> Optional[str]:
    if is_ours(header) and not header.startswith(("client/", "proto/flags/", "core/base/", "core/csv/")):
        return "client may include only client, core/base, core/csv, proto/flags and the generated protos"
    if TORCH.match(header) or PROMETHEUS.match(header):
        return "client knows neither LibTorch nor Prometheus"
    return None


def deploy_violation(source: str, header: str) -> Optional[str]:
    if is_ours(header) and not header.startswith("deploy/"):
        return "deploy's programs stand alone"
    return None


def tests_violation(source: str, header: str) -> Optional[str]:
    if not source.startswith("tests/core/"):
        return None
    if RPC.match(header) or (is_ours(header) and header.split("/")[0] in ("proto", "server", "client", "deploy")):
        return "tests of core build without the service"
    return None


RULES = {
    "core": core_violation,
    "proto": proto_violation,
    "server": server_violation,
    "client": client_violation,
    "deploy": deploy_violation,
    "tests": tests_violation,
}


def violation(source: str, header: str) -> Optional[str]:
    """Why `source` must not include `header`, or None."""
    root = source.split("/")[0]
    if RDKIT.match(header) and not (source.startswith("core/chem/") and source.endswith(".cc")):
        return "RDKit stays in the .cc files of core/chem"
    if root != "tests" and header.startswith("tests/"):
        return "the product does not include its tests"
    if header.startswith((".", "/")):
        return "write the path from the root of the tree"
    return RULES[root](source, header)


def read_includes(root: pathlib.Path) -> Iterator[Include]:
    for folder in ROOTS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".h", ".cc"):
                continue
            source = path.relative_to(root).as_posix()
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                match = INCLUDE.match(line)
                if match is None:
                    continue
                yield Include(source, number, match.group(2))
                if match.group(1) == '"' and "/" not in match.group(2):
                    yield Include(source, number, "./" + match.group(2))


def check(root: pathlib.Path) -> List[str]:
    """One line for each forbidden #include under `root`."""
    found = []
    for include in read_includes(root):
        why = violation(include.source, include.header)
        if why is not None:
            found.append(f'{include.source}:{include.line}: #include "{include.header}": {why}')
    return found


def main(arguments: List[str]) -> int:
    root = pathlib.Path(arguments[1] if len(arguments) > 1 else ".").resolve()
    count = sum(1 for _ in read_includes(root))
    if count == 0:
        print(f"include directions: no #include found under {root}", file=sys.stderr)
        return 2
    found = check(root)
    print("\n".join(found) if found else f"include directions: {count} includes, all allowed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
