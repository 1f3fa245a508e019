"""Checks tests/promises.toml: every promise names tests that exist; renders docs/reference/promises.md.

`python3 scripts/check_promises.py` fails when a named test is missing or the page is stale;
`--write` renders the page.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "tests" / "promises.toml"
PAGE = ROOT / "docs" / "reference" / "promises.md"


def test_exists(reference: str) -> bool:
    """Whether `path::name` is a test function in that file."""
    path_text, _, name = reference.partition("::")
    path = ROOT / path_text
    if not name or not path.is_file():
        return False
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return re.search(rf"^\s*def {re.escape(name)}\(", text, re.MULTILINE) is not None
    # `fn name(`, with or without a macro that makes it a test of each engine.
    return re.search(rf"\bfn {re.escape(name)}\s*[(<]", text) is not None


def render(promises: list[dict[str, object]]) -> str:
    """The page, in the order of the file."""
    lines = [
        "# What Runstone promises, and the tests that hold it to that",
        "",
        "Made from `tests/promises.toml` by `python3 scripts/check_promises.py --write`.",
        "",
    ]
    for promise in promises:
        lines += [f"## {promise['text']}", ""]
        tests = promise["tests"]
        assert isinstance(tests, list)
        lines += [f"- `{test}`" for test in tests]
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    promises = tomllib.loads(SOURCE.read_text(encoding="utf-8"))["promise"]
    failures = []
    for promise in promises:
        if not promise["tests"]:
            failures.append(f"promise {promise['id']} names no test")
        failures += [
            f"promise {promise['id']}: no test {reference}"
            for reference in promise["tests"]
            if not test_exists(reference)
        ]
    page = render(promises)
    if "--write" in sys.argv:
        PAGE.write_text(page, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page:
        failures.append("docs/reference/promises.md is stale\nhint: python3 scripts/check_promises.py --write")
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
