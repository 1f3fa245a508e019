"""The demo: a server on a free port, eight trainings on real data, the table as it grows, the best run.

Uses the package and the command of the Python that runs it. With a terminal it serves until Ctrl-C,
without one it ends when all is shown. Everything it writes lies in a new folder, which it names.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EXPERIMENT = "digits"
TRAININGS: list[dict[str, float]] = [
    {"hidden": 32, "rate": 0.01},
    {"hidden": 32, "rate": 0.1},
    {"hidden": 32, "rate": 0.1, "momentum": 0.9},
    {"hidden": 32, "rate": 0.5},
    {"hidden": 128, "rate": 0.01, "momentum": 0.9},
    {"hidden": 128, "rate": 0.1},
    {"hidden": 128, "rate": 0.3, "batch": 128},
    {"hidden": 8, "rate": 0.3},
]
TRAININGS_AT_ONCE = 2


def find_command() -> str:
    """The command `runstone`: of RUNSTONE_BINARY, or the one installed beside this Python."""
    given = os.environ.get("RUNSTONE_BINARY")
    found = given or shutil.which("runstone", path=sysconfig.get_path("scripts")) or shutil.which("runstone")
    if not found:
        sys.exit("error: the command runstone is not installed\nhint: run `make demo`, which installs it")
    return found


def start_server(command: str, folder: Path, environment: dict[str, str]) -> tuple[subprocess.Popen[str], str]:
    """Start the server on a free port; its process and address, once it answers."""
    arguments = [command, "up", "--data", str(folder / "data"), "--listen", "127.0.0.1:0", "--json"]
    # Its own session: Ctrl-C is for the demo, which then stops the server.
    server = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert server.stdout is not None
    line = server.stdout.readline()
    if not line:
        sys.exit(f"error: the server did not start, exit code {server.wait()}\nhint: its message is above")
    return server, json.loads(line)["url"]


def start_training(number: int, settings: dict[str, float], epochs: int, environment: dict[str, str]) -> Any:
    """Start one training as a process of its own."""
    options = [f"--{key}={value}" for key, value in settings.items()]
    options += [f"--name=sgd-{number}", f"--epochs={epochs}", f"--experiment={EXPERIMENT}"]
    return subprocess.Popen([sys.executable, str(ROOT / "examples" / "digits.py"), *options], env=environment)


def show_table(command: str, environment: dict[str, str], title: str) -> None:
    """Print the table of runs as the command line shows it."""
    print(f"\n{title}", flush=True)
    arguments = [command, "runs", "--experiment", EXPERIMENT, "--metric", "accuracy", "--metric", "loss"]
    subprocess.run(arguments, env=environment, check=True)


def train_all(command: str, epochs: int, environment: dict[str, str]) -> None:
    """Run all trainings, some at once, and show the table every few seconds."""
    waiting = list(enumerate(TRAININGS, 1))
    running: list[Any] = []
    finished = 0
    shown = time.monotonic()
    try:
        while waiting or running:
            while waiting and len(running) < TRAININGS_AT_ONCE:
                number, settings = waiting.pop(0)
                running.append(start_training(number, settings, epochs, environment))
            time.sleep(0.1)
            for training in [training for training in running if training.poll() is not None]:
                running.remove(training)
                finished += 1
                if training.returncode != 0:
                    sys.exit(f"error: a training ended with code {training.returncode}")
            if time.monotonic() - shown > 3:
                show_table(command, environment, f"{finished} of {len(TRAININGS)} trainings are done")
                shown = time.monotonic()
    finally:
        for training in running:
            training.kill()
            training.wait()


def ask_best(url: str) -> dict[str, Any]:
    """Ask the server which run was best on the test images, by the goal of the metric."""
    context = json.dumps({"subset": "test"})
    query = urllib.parse.urlencode({"experiment": EXPERIMENT, "metric": "accuracy", "context": context})
    with urllib.request.urlopen(f"{url}/runstone/v1/best?{query}", timeout=30) as answer:
        return json.load(answer)


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description="train eight models and show the best")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--folder", type=Path, help="where everything is written [default: a new folder]")
    asked = parser.parse_args()
    command = find_command()
    folder: Path = asked.folder or Path(tempfile.mkdtemp(prefix="runstone-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RUNSTONE_", "MATYAN_"))}
    # One thread each: the trainings share the machine.
    environment |= {"RUNSTONE_HOME": str(folder), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    server, url = start_server(command, folder, environment)
    environment["RUNSTONE_URL"] = url
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        print(f"the server is at {url}, its data in {folder / 'data'}")
        print(f"training {len(TRAININGS)} models on handwritten digits, {TRAININGS_AT_ONCE} at a time", flush=True)
        train_all(command, asked.epochs, environment)
        show_table(command, environment, "all trainings are done")
        best = ask_best(url)
        run = best["run"]
        print(f"\nbest of {best['runs_compared']} runs: {run['name']} ({run['id']})")
        print(f"test accuracy {best['value']} at step {best['step']}, goal {best['goal']}")
        quoted = shlex.quote(command)
        if sys.stdin.isatty() and sys.stdout.isatty():
            print(f"\nlook at it:  {quoted} show {run['name']} --url {url}")
            print(f"             {quoted} runs --url {url}")
            print("serving until Ctrl-C", flush=True)
            server.wait()
        else:
            data = shlex.quote(str(folder / "data"))
            print(f"\nlook at it:  {quoted} show {run['name']} --data {data}")
            print(f"serve it:    {quoted} up --data {data}", flush=True)
    except KeyboardInterrupt:
        print(f"\nstopped; the data stay in {folder / 'data'}")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
