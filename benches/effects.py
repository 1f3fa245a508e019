"""Start, import, idle cost, latency and sizes of the installed package and its server.

Prints JSON. Runs against a server that it starts itself on a free port.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any


def read_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def start_server(folder: Path) -> tuple[subprocess.Popen[str], str, float]:
    """Process, address, milliseconds to the first answer."""
    binary = shutil.which("runstone", path=sysconfig.get_path("scripts")) or shutil.which("runstone")
    assert binary, "runstone is not installed"
    environment = {**os.environ, "RUNSTONE_HOME": str(folder / "home")}
    begin = time.perf_counter()
    process = subprocess.Popen(
        [binary, "up", "--json", "--listen", "127.0.0.1:0", "--data", str(folder / "data")],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout
    url = json.loads(process.stdout.readline())["urls"][0].rstrip("/")
    read_json(f"{url}/runstone/v1/server")
    return process, url, (time.perf_counter() - begin) * 1e3


def resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def latencies_millis(url: str, count: int) -> list[float]:
    """From the call of an idle client to readable through the API."""
    from runstone import Run

    taken = []
    with Run(experiment="bench", name="latency", repo=url) as run:
        run.track(0.0, name="loss", step=0)
        run.flush(10)
        path = f"{url}/runstone/v1/runs/{run.hash}/points?name=loss&limit=1&from_step="
        for step in range(1, count):
            time.sleep(0.03)
            begin = time.perf_counter()
            run.track(float(step), name="loss", step=step)
            while not read_json(path + str(step))["steps"]:
                pass
            taken.append((time.perf_counter() - begin) * 1e3)
    return taken


def import_millis() -> float:
    code = "import time; b = time.perf_counter(); import runstone; print((time.perf_counter() - b) * 1e3)"
    taken = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(7)]
    return statistics.median(taken)


def idle_client_share(url: str) -> float:
    """Share of a core that a client with an open run and nothing to say uses, over 20 s."""
    code = (
        "import sys, time; from runstone import Run; run = Run(repo=sys.argv[1]);"
        "run.track(1.0, name='x', step=0); run.flush(10); print('ready', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    time.sleep(1)
    before = cpu_seconds(process.pid)
    time.sleep(20)
    share = (cpu_seconds(process.pid) - before) / 20
    process.kill()
    process.wait()
    return share


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["RUNSTONE_HOME"] = str(folder / "home")
        process, url, start_millis = start_server(folder)
        try:
            time.sleep(2)
            idle_megabytes = resident_megabytes(process.pid)
            taken = sorted(latencies_millis(url, 100))
            result = {
                "import_millis": round(import_millis(), 1),
                "server_start_to_first_answer_millis": round(start_millis, 1),
                "idle_server_megabytes": round(idle_megabytes, 1),
                "call_to_readable_millis": {
                    "p50": round(statistics.median(taken), 2),
                    "p95": round(taken[int(len(taken) * 0.95)], 2),
                },
                "idle_client_share_of_a_core": idle_client_share(url),
            }
        finally:
            process.terminate()
            process.wait()
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
