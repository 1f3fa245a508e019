"""The demo as `make demo` runs it, on the quick build: it ends by itself, and its best run is the best."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import urllib.request
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


def test_the_best_run_is_that_of_the_raw_points_and_a_second_demo_passes(home: Path, tmp_path: Path) -> None:
    # The usual port is in use: by us, or by whoever has it already.
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

    # Again in the same folder, with a terminal: it serves until Ctrl-C.
    shown, code = run_demo_in_terminal(tmp_path / "demo")
    assert "best of 16 runs" in shown
    assert "stopped; the data stay in" in shown
    assert code == 0


def run_demo_in_terminal(folder: Path) -> tuple[str, int]:
    here, there = pty.openpty()
    demo = subprocess.Popen(
        [sys.executable, str(DEMO), "--epochs", "1", "--folder", str(folder)],
        env={**os.environ, "RUNSTONE_BINARY": find_binary()},
        stdin=there,
        stdout=there,
        stderr=there,
        start_new_session=True,
    )
    os.close(there)
    shown = b""
    try:
        while demo.poll() is None and b"serving until Ctrl-C" not in shown:
            shown += os.read(here, 65536)
        address = re.search(rb"the server is at (http://\S+),", shown)
        assert address, shown
        with urllib.request.urlopen(address[1].decode() + "/health/ready", timeout=20) as answer:
            assert answer.status == 200
        demo.send_signal(signal.SIGINT)
        code = demo.wait(60)
        with suppress(OSError):
            shown += os.read(here, 65536)
    finally:
        demo.kill()
        demo.wait()
        os.close(here)
    return shown.decode(errors="replace"), code
