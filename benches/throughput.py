"""Points a second from the Python loop to acknowledged and readable, server on the same two cores.

Beside references in the same run, none of which has a server: the same loop writing JSON lines to a file,
rows to SQLite in one transaction, and TensorBoard events through tensorboardX when it is installed.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from effects import cpu_seconds, read_json, start_server

POINTS = 2_000_000
ROUNDS = 3


def memory_kilobytes() -> dict[str, int]:
    status = Path("/proc/self/status").read_text()
    fields = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if line.startswith("Rss")}
    return {name: int(value) for name, value in fields.items()}


class PeakGrowth:
    """Greatest growth of anonymous and of all resident memory between start and stop, in megabytes."""

    def start(self) -> None:
        """Takes the present memory as the base and watches from now on."""
        self._stop = threading.Event()
        self._base = memory_kilobytes()
        self.anonymous = 0.0
        self.total = 0.0
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            now = memory_kilobytes()
            self.anonymous = max(self.anonymous, (now["RssAnon"] - self._base["RssAnon"]) / 1024)
            self.total = max(self.total, (sum(now.values()) - sum(self._base.values())) / 1024)

    def stop(self) -> None:
        """Ends the watch; `anonymous` and `total` hold the greatest growth seen."""
        self._stop.set()
        self._thread.join()


def runstone_run(url: str, hundred: bool) -> dict[str, float]:
    from runstone import Run

    run = Run(experiment="bench", repo=url)
    run.track(0.0, name="warm", step=0)
    run.flush(30)
    growth = PeakGrowth()
    growth.start()
    begin = time.perf_counter()
    if hundred:
        metrics = {f"metric_{index}": 0.1 + index for index in range(100)}
        for step in range(POINTS // 100):
            metrics["metric_0"] = step * 0.37
            run.log(metrics, step=step)
    else:
        for step in range(POINTS):
            run.track(step * 0.37, name="loss", step=step)
    logged = time.perf_counter() - begin
    report = run.flush(120)
    acknowledged = time.perf_counter() - begin
    growth.stop()
    assert report.pending == 0, report
    name = "metric_99" if hundred else "loss"
    last = POINTS // 100 - 1 if hundred else POINTS - 1
    page = read_json(f"{url}/runstone/v1/runs/{run.hash}/points?name={name}&from_step={last}&limit=1")
    assert page["steps"] == [last], page
    run.close()
    return {
        "logged_per_second": POINTS / logged,
        "acknowledged_per_second": POINTS / acknowledged,
        "growth_anonymous_megabytes": growth.anonymous,
        "growth_all_megabytes": growth.total,
    }


def json_lines(folder: Path, hundred: bool) -> float:
    count = POINTS // 10
    begin = time.perf_counter()
    with (folder / "points.jsonl").open("w") as file:
        if hundred:
            metrics = {f"metric_{index}": 0.1 + index for index in range(100)}
            for step in range(count // 100):
                metrics["metric_0"] = step * 0.37
                file.write(json.dumps({"step": step, "time": time.time(), **metrics}) + "\n")
                file.flush()
        else:
            for step in range(count):
                line = {"name": "loss", "step": step, "time": time.time(), "value": step * 0.37}
                file.write(json.dumps(line) + "\n")
                file.flush()
    return count / (time.perf_counter() - begin)


def sqlite_rows(folder: Path, hundred: bool) -> float:
    count = POINTS // 10
    database = sqlite3.connect(folder / "points.db")
    database.execute("CREATE TABLE point(name TEXT, step REAL, time REAL, value REAL)")
    begin = time.perf_counter()
    names = [f"metric_{index}" for index in range(100)] if hundred else ["loss"]
    for step in range(count // len(names)):
        now = time.time()
        for name in names:
            database.execute("INSERT INTO point VALUES (?, ?, ?, ?)", (name, step, now, step * 0.37))
    database.commit()
    return count / (time.perf_counter() - begin)


def tensorboard_events(folder: Path, hundred: bool) -> float:
    from tensorboardX import SummaryWriter  # pyright: ignore[reportMissingImports]

    count = POINTS // 20
    names = [f"metric_{index}" for index in range(100)] if hundred else ["loss"]
    writer = SummaryWriter(str(folder / "events"))
    begin = time.perf_counter()
    for step in range(count // len(names)):
        for name in names:
            writer.add_scalar(name, step * 0.37, step)
    writer.close()
    return count / (time.perf_counter() - begin)


def main() -> None:
    references: dict[str, Callable[[Path, bool], float]] = {"json lines": json_lines, "sqlite rows": sqlite_rows}
    try:
        import tensorboardX  # noqa: F401  # pyright: ignore[reportMissingImports, reportUnusedImport]

        references["tensorboardX"] = tensorboard_events
    except ImportError:
        print("tensorboardX is not installed: no figure for it", file=sys.stderr)
    result: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["RUNSTONE_HOME"] = str(folder / "home")
        process, url, _ = start_server(folder)
        try:
            for hundred, label in ((True, "100 metrics a step"), (False, "one metric a call")):
                rounds = []
                for _ in range(ROUNDS):
                    before = cpu_seconds(process.pid)
                    figures = runstone_run(url, hundred)
                    figures["server_cpu_us_per_point"] = (cpu_seconds(process.pid) - before) / POINTS * 1e6
                    rounds.append(figures)
                result[label] = {key: round(statistics.median(r[key] for r in rounds), 3) for key in rounds[0]}
                for reference, measure in references.items():
                    with tempfile.TemporaryDirectory() as scratch:
                        result[label][f"reference, {reference}, per second"] = round(measure(Path(scratch), hundred))
        finally:
            process.terminate()
            process.wait()
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
