"""Wall time of the demo's training with no server, beside the same with tracking disabled, in turns.

Each round is three fresh processes on the same input, in an order that rotates: with the spool on and nobody
listening, with `RUNSTONE_MODE=disabled`, and disabled once more, which shows the machine's own noise. Prints JSON.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
SCRIPT = Path(__file__).resolve().parent.parent / "examples" / "digits.py"
ARGUMENTS = ["--hidden", "32", "--batch", "32", "--epochs", "40"]


def train(home: Path, mode: str | None) -> tuple[float, float]:
    """Wall seconds and processor seconds of one training."""
    environment = {
        **os.environ,
        "RUNSTONE_HOME": str(home),
        "RUNSTONE_URL": "http://127.0.0.1:9",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    if mode:
        environment["RUNSTONE_MODE"] = mode
    before = os.times()
    begin = time.perf_counter()
    subprocess.run([sys.executable, str(SCRIPT), *ARGUMENTS], env=environment, check=True, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - begin
    after = os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    kinds: dict[str, str | None] = {"no server": None, "disabled": "disabled", "disabled again": "disabled"}
    taken: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as name:
        for kind, mode in kinds.items():
            train(Path(name) / kind.replace(" ", "-"), mode)
        for number in range(ROUNDS):
            order = list(kinds.items())
            order = order[number % 3 :] + order[: number % 3]
            for kind, mode in order:
                taken[kind].append(train(Path(name) / f"{kind.replace(' ', '-')}-{number}", mode))

    def ratios(kind: str, part: int) -> list[float]:
        return sorted(one[part] / other[part] for one, other in zip(taken[kind], taken["disabled"], strict=True))

    def spread(values: list[float]) -> dict[str, float]:
        quarter = len(values) // 4
        return {
            "median": round(statistics.median(values), 3),
            "lower_quartile": round(values[quarter], 3),
            "upper_quartile": round(values[-1 - quarter], 3),
        }

    result = {
        "rounds": ROUNDS,
        "disabled_wall_seconds_median": round(statistics.median(wall for wall, _ in taken["disabled"]), 3),
        "no_server_wall_ratio": spread(ratios("no server", 0)),
        "no_server_processor_ratio": spread(ratios("no server", 1)),
        "noise_wall_ratio": spread(ratios("disabled again", 0)),
        "noise_processor_ratio": spread(ratios("disabled again", 1)),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
