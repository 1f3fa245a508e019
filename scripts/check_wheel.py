"""Checks a built wheel: command and module are in it, no dependencies, sizes, and the C library they need."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

WHEEL_BYTES_MAX = 20 * 1024 * 1024
MODULE_BYTES_MAX = 5 * 1024 * 1024
BINARY_BYTES_MAX = 40 * 1024 * 1024


def glibc_needed(content: bytes) -> tuple[int, int]:
    """Newest version of the GNU C library whose symbols are asked for."""
    found = re.findall(rb"GLIBC_(\d+)\.(\d+)", content)
    return max(((int(major), int(minor)) for major, minor in found), default=(0, 0))


def main() -> int:
    path = Path(sys.argv[1])
    failures: list[str] = []
    size = path.stat().st_size
    if size > WHEEL_BYTES_MAX:
        failures.append(f"the wheel has {size} bytes, the limit is {WHEEL_BYTES_MAX}")
    tag = re.search(r"manylinux_(\d+)_(\d+)", path.name)
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        metadata = wheel.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
        if "Requires-Dist:" in metadata:
            failures.append("the package has dependencies")
        parts = {"module": (".abi3.so", MODULE_BYTES_MAX), "command": (".data/scripts/runstone", BINARY_BYTES_MAX)}
        for part, (ending, limit) in parts.items():
            member = next((name for name in names if name.endswith(ending)), None)
            if member is None:
                failures.append(f"the wheel holds no {part}")
                continue
            content = wheel.read(member)
            needed = glibc_needed(content)
            print(f"{part}: {len(content) / 1e6:.1f} MB, glibc {needed[0]}.{needed[1]}")
            if len(content) > limit:
                failures.append(f"the {part} has {len(content)} bytes, the limit is {limit}")
            if tag and needed > (int(tag[1]), int(tag[2])):
                failures.append(f"the {part} needs glibc {needed[0]}.{needed[1]}, the tag says {tag[1]}.{tag[2]}")
    print(f"{path}: {size / 1e6:.1f} MB")
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
