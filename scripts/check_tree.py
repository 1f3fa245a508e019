"""Checks what is committed: no binaries or build output, no large files, no paths or hosts of a machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_BYTES_MAX = 64 * 1024
TEXT_BYTES_MAX = 512 * 1024
BUILD_OUTPUT = re.compile(r"(^|/)(target|dist|node_modules|__pycache__)/|\.(so|o|a|dll|dylib|exe|pyc|whl)$")
# Homes and scratch folders of a machine, and package mirrors; written apart so as not to match itself.
MACHINE = re.compile(r"/(?:ro" + r"ot|wo" + r"rk)/[a-z.]|https?://[^\s\"]*(?:art" + r"ifactory|mir" + r"ror)")


def tracked_files() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return [name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def main() -> int:
    failures = []
    for name in tracked_files():
        path = ROOT / name
        content = path.read_bytes()
        if BUILD_OUTPUT.search(name) or content.startswith((b"\x7fELF", b"MZ\x90")):
            failures.append(f"{name} is build output")
            continue
        binary = b"\0" in content[:8192]
        limit = SAMPLE_BYTES_MAX if binary and not name.endswith(".png") else TEXT_BYTES_MAX
        if len(content) > limit:
            failures.append(f"{name} has {len(content)} bytes, the limit is {limit}")
        if binary:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            if MACHINE.search(line):
                failures.append(f"{name}:{number} names a path or host of a machine: {line.strip()[:80]}")
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
