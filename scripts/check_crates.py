"""Checks the workspace from `cargo metadata`: edges between crates, licences, sources, families, the client's tree.

The allowed edges are the map of ARCHITECTURE.md; a new one needs a decision in docs/decisions/.
Dev-dependencies are exempt.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

EDGES: dict[str, set[str]] = {
    "cli": {"server", "store-sqlite", "service", "archive", "oci", "client"},
    "server": {"dialect-matyan", "dialect-dalva", "dialect-chronicle", "dialect-oci", "service", "wire"},
    "service": {"query", "blobs", "store", "wire", "model"},
    "query": {"store", "model"},
    "blobs": {"store", "model"},
    "store": {"wire", "codec", "model"},
    "store-sqlite": {"store", "wire", "codec", "model"},
    "wire": {"codec", "model"},
    "codec": {"model"},
    "client": {"wire", "codec", "model"},
    "python": {"client"},
    "model": set(),
    # These join the real parts to test and to measure them, and nothing depends on them.
    "e2e": {"client", "store", "store-sqlite", "service", "server", "wire", "codec", "model"},
}
LICENCES = {
    "Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Unicode-3.0", "Zlib", "CC0-1.0", "0BSD",
    "MIT-0", "Unlicense", "BSL-1.0", "CDLA-Permissive-2.0", "Apache-2.0 WITH LLVM-exception",
}  # fmt: skip
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"
# Never in the user's process.
CLIENT_FORBIDDEN = {
    "tokio", "rusqlite", "libsqlite3-sys", "axum", "hyper", "runstone-store", "runstone-store-sqlite",
    "runstone-service", "runstone-server", "runstone-query", "openssl-sys", "native-tls", "reqwest",
}  # fmt: skip
CLIENT_CRATES_MAX = 110
ONE_VERSION = {"axum", "tower-http", "tower", "hyper", "prost", "rusqlite", "tokio", "pyo3", "ureq", "pco", "rustls"}


def metadata() -> dict[str, Any]:
    output = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--locked"], cwd=ROOT, check=True, capture_output=True
    )
    return json.loads(output.stdout)


def short(name: str) -> str:
    return name.removeprefix("runstone-")


def licence_allowed(expression: str) -> bool:
    """Whether an SPDX expression can be met from the allowed licences: OR needs one, AND needs all."""

    def term(text: str) -> bool:
        text = text.strip()
        while text.startswith("(") and text.endswith(")"):
            return licence_allowed(text[1:-1])
        return text in LICENCES

    depth, alternatives, start = 0, [], 0
    normal = expression.replace("/", " OR ")
    for match in re.finditer(r"\(|\)| OR ", normal):
        token = match.group()
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == " OR " and depth == 0:
            alternatives.append(normal[start : match.start()])
            start = match.end()
    alternatives.append(normal[start:])
    return any(all(term(part) for part in re.split(r" AND (?![^()]*\))", option)) for option in alternatives)


def check_edges(packages: list[dict[str, Any]], members: set[str]) -> list[str]:
    failures = []
    names = {package["name"] for package in packages if package["id"] in members}
    for package in packages:
        if package["id"] not in members:
            continue
        crate = short(package["name"])
        if crate not in EDGES:
            failures.append(f"crate {crate} is not in the map\nhint: add it to EDGES with a decision")
            continue
        for dependency in package["dependencies"]:
            target = short(dependency["name"])
            if (
                dependency["kind"] != "dev"
                and dependency["name"] in names
                and target not in EDGES[crate] | MODEL_EVERYWHERE
            ):
                failures.append(f"edge {crate} -> {target} is forbidden\nhint: see the map in ARCHITECTURE.md")
    return failures


# Everybody may name what exists.
MODEL_EVERYWHERE = {"model"}


def client_tree(data: dict[str, Any]) -> set[str]:
    """Names of what the Python module links, without dev and build dependencies."""
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    names = {package["id"]: package["name"] for package in data["packages"]}
    root = next(i for i, name in names.items() if name == "runstone-python")
    seen, todo = set(), [root]
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        for dependency in nodes[node]["deps"]:
            kinds = dependency["dep_kinds"]
            if any(kind["kind"] is None and not (kind["target"] or "").startswith("cfg(windows)") for kind in kinds):
                todo.append(dependency["pkg"])
    return {names[i] for i in seen}


def main() -> int:
    data = metadata()
    packages, members = data["packages"], set(data["workspace_members"])
    failures = check_edges(packages, members)
    versions: dict[str, set[str]] = defaultdict(set)
    for package in packages:
        versions[package["name"]].add(package["version"])
        if package["id"] in members:
            continue
        if package["source"] != REGISTRY:
            failures.append(f"{package['name']} comes from {package['source']}, not from the public registry")
        licence = package["license"] or ""
        if not licence_allowed(licence):
            failures.append(f"{package['name']} {package['version']} has licence {licence!r}, which is not allowed")
    failures += [
        f"{name} is in the tree in versions {', '.join(sorted(versions[name]))}: one of each family"
        for name in sorted(ONE_VERSION)
        if len(versions[name]) > 1
    ]
    tree = client_tree(data)
    failures += [
        f"the client links {name}, which has no place in the user's process" for name in sorted(tree & CLIENT_FORBIDDEN)
    ]
    if len(tree) > CLIENT_CRATES_MAX:
        failures.append(f"the client links {len(tree)} crates, the limit is {CLIENT_CRATES_MAX}")
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
