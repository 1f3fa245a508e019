"""The demo as `make demo` runs it, on the quick build: it ends by itself, and its best run is the best."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from conftest import Server, find_binary

DEMO = Path(__file__).resolve().parents[2] / "scripts" / "demo.py"


def run_demo(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(DEMO), "--epochs", "2", "--folder", str(folder)],
        env={**os.environ, "RUNSTONE_BINARY": find_binary()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_best_run_is_the_one_of_the_raw_points(home: Path, tmp_path: Path) -> None:
    # The usual port is in use, by nobody that answers.
    with suppress(OSError), socket.create_server(("127.0.0.1", 53800)):
        pass
    taken = socket.socket()
    with suppress(OSError):
        taken.bind(("127.0.0.1", 53800))
        taken.listen()
    try:
        shown = run_demo(tmp_path / "demo")
    finally:
        taken.close()
    assert "all trainings are done" in shown
    named = re.search(r"best of (\d+) runs: \S+ \((\S+)\)\ntest accuracy (\S+) at step (\d+), goal max", shown)
    assert named, shown
    assert named[1] == "8"

    server = Server(tmp_path / "demo", tmp_path / "demo" / "data")
    try:
        runs = server.get("runs", experiment="digits", order="oldest", limit=100)["runs"]
        assert len(runs) == 8
        assert {run["state"] for run in runs} == {"succeeded"}
        found: list[tuple[float, str, float]] = []
        for run in runs:
            points = server.points(run["id"], "accuracy", {"subset": "test"})
            assert points.steps == list(range(server.run(run["id"])["params"]["steps"]))
            best = max(points.values)
            found.append((best, run["id"], points.steps[points.values.index(best)]))
            losses = server.points(run["id"], "loss", {"subset": "train"})
            assert len(losses.steps) == len(points.steps)
            assert run["completeness"]["logged"] == run["completeness"]["durable"] == 4 * len(points.steps)
        value, run, step = max(found, key=lambda item: item[0])
        assert (named[2], float(named[3]), float(named[4])) == (run, value, step)
    finally:
        server.stop()


def test_the_demo_passes_twice_in_a_row(home: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert "best of" in run_demo(tmp_path / "demo")
