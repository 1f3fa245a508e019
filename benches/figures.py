"""Turns the output of `make bench` into docs/reference/figures.md: what was asked, what was measured.

Reads the captured output as it is, so that nothing stands on the page that was not printed by a measurement.
Each bound names where its figure stands; a figure that is missing is an error, one past its bound is shown as such.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Find = Callable[[dict[str, str]], float]


def in_json(section: str, *keys: str) -> Find:
    """The figure at these keys of a section's JSON document."""

    def find(sections: dict[str, str]) -> float:
        text = sections[section]
        value: Any = json.loads(text[text.index("{") : text.rindex("}") + 1])
        for key in keys:
            value = value[key]
        return float(value)

    return find


def in_text(section: str, pattern: str, pick: Callable[[list[float]], float] = min) -> Find:
    """The figures that a pattern's group finds in a section; the worst of them."""

    def find(sections: dict[str, str]) -> float:
        found = [float(text) for text in re.findall(pattern, sections[section], re.MULTILINE)]
        if not found:
            raise KeyError(f"nothing like {pattern} in {section}")
        return pick(found)

    return find


def minus(one: Find, other: Find) -> Find:
    return lambda sections: one(sections) - other(sections)


def times(one: Find, factor: float) -> Find:
    return lambda sections: one(sections) * factor


EFFECTS = "start, import, idle, latency"
THROUGH = "throughput through Python, server on the same cores"
SENDER = "sender: points a second to a sink that only acknowledges"
TABLE = "table of runs"
PAGES = "pages in a browser"
TRAINING = "training with no server beside tracking disabled"
HUNDRED, ONE = "100 metrics a step", "one metric a call"

# What, its figure, unit, "<=" or ">=", bound.
BOUNDS: list[tuple[str, Find, str, str, float]] = [
    ("`track(v, name=, step=)` beside `list.append` of the tuple",
     in_json("calls", "figures", "track", "ratio_to_append_median"), "x", "<=", 1.75),
    ("the same with `context=`",
     in_json("calls", "figures", "track with context", "ratio_to_append_median"), "x", "<=", 2.5),
    ("the same of a `numpy.float32`",
     in_json("calls", "figures", "track np.float32", "ratio_to_append_median"), "x", "<=", 2.0),
    ("`log` of a ready dict of 100 metrics, a metric",
     in_json("calls", "figures", "log of 100 metrics, per metric", "ns_median"), "ns", "<=", 50),
    ("a call of a hot loop, p99", in_json("calls", "figures", "single call, hot", "p99"), "ns", "<=", 1_000),
    ("a call of a hot loop, p99.9", in_json("calls", "figures", "single call, hot", "p99.9"), "ns", "<=", 10_000),
    ("a call every 4 ms above an empty call, median",
     times(minus(in_json("calls", "figures", "single call, cold", "p50"),
                 in_json("calls", "figures", "single call, cold, empty", "p50")), 1e-3), "µs", "<=", 10),
    ("training with no server beside tracking disabled, wall time, median",
     in_json(TRAINING, "no_server_wall_ratio", "median"), "x", "<=", 1.05),
    ("call to readable through the API, idle, median",
     in_json(EFFECTS, "call_to_readable_millis", "p50"), "ms", "<=", 10),
    ("an idle client", times(in_json(EFFECTS, "idle_client_share_of_a_core"), 100), "% of a core", "<=", 0.1),
    ("client alone to a sink that only acknowledges, slowest kind of values",
     in_text(SENDER, r"^(?:100 metrics a step|one metric.*?) +[\d.]+ +([\d.]+) "), "M points/s", ">=", 3.0),
    ("acknowledged and readable, 100 metrics a step, server on the same cores",
     times(in_json(THROUGH, HUNDRED, "acknowledged_per_second"), 1e-6), "M points/s", ">=", 1.0),
    ("acknowledged and readable, one metric a call, server on the same cores",
     times(in_json(THROUGH, ONE, "acknowledged_per_second"), 1e-6), "M points/s", ">=", 0.7),
    ("growth of the client's anonymous memory",
     lambda s: max(in_json(THROUGH, kind, "growth_anonymous_megabytes")(s) for kind in (HUNDRED, ONE)), "MB", "<=", 16),
    ("growth of all of the client's memory",
     lambda s: max(in_json(THROUGH, kind, "growth_all_megabytes")(s) for kind in (HUNDRED, ONE)), "MB", "<=", 32),
    ("a folded series of 1,000,000 points at 1,000 pixels, in the server",
     in_text("lines", r"^1 M points at 1000 pixels: ([\d.]+) ms"), "ms", "<=", 5),
    ("the same of 10,000,000 points", in_text("lines", r"^10 M points at 1000 pixels: ([\d.]+) ms"), "ms", "<=", 25),
    ("100 lines of 1,000 points of one run, folded or not",
     in_text("lines", r"^100 lines x 1,000 points, .*?: ([\d.]+) ms", max), "ms", "<=", 20),
    ("`import runstone`", in_json(EFFECTS, "import_millis"), "ms", "<=", 50),
    ("server, start to first answer", in_json(EFFECTS, "server_start_to_first_answer_millis"), "ms", "<=", 100),
    ("idle server, resident", in_json(EFFECTS, "idle_server_megabytes"), "MB", "<=", 40),
    ("page of a table of 10,000 runs sorted by a metric, after a change",
     in_text(TABLE, r"^  page after a change: ([\d.]+) ms"), "ms", "<=", 150),
    ("the same page, the first one after the server's start",
     in_text(TABLE, r"^  first page after start: ([\d.]+) ms"), "ms", "<=", 1_000),
    ("from `track` to the drawn point, median", in_json(PAGES, "track_to_drawn", "median_millis"), "ms", "<=", 300),
    ("a table of 10,000 runs while it scrolls, the longest task",
     in_json(PAGES, "table", "longest_task_millis"), "ms", "<=", 100),
    ("first load of the table of 10,000 runs", in_json(PAGES, "first_load", "median_millis"), "ms", "<=", 1_000),
    ("bytes of the first load, compressed", times(in_json(PAGES, "first_load", "bytes"), 1e-3), "KB", "<=", 300),
    ("100 lines of 1,000 points while they are panned",
     in_json("panning a chart in a browser", "frames_per_second"), "frames/s", ">=", 50),
    ("wheel", times(in_text("sizes", r"^(\d+) .*\.whl$"), 1e-6), "MB", "<=", 20),
    ("extension module", times(in_text("sizes", r"^(\d+) .*_runstone.*\.so$"), 1e-6), "MB", "<=", 5),
    ("release binary", times(in_text("sizes", r"^(\d+) .*/runstone$"), 1e-6), "MB", "<=", 40),
]  # fmt: skip


def sections_of(output: str) -> dict[str, str]:
    parts = re.split(r"^== (.*)$", output, flags=re.MULTILINE)
    return {title.strip(): text.strip("\n") for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def machine() -> str:
    info = Path("/proc/cpuinfo").read_text()
    names = re.findall(r"^model name\s*: (.*)$", info, re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    gibibytes = int(memory.group(1)) / 2**20 if memory else 0
    return f"{os.cpu_count()} cores ({names[0] if names else platform.machine()}), {gibibytes:.0f} GiB, Linux {platform.release()}"


def main() -> None:
    sections = sections_of(Path(sys.argv[1]).read_text())
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True).strip()
    lines = [
        "# Figures",
        "",
        "Measured by `make bench` on the release build; `make bench WRITE=1` writes this page from what it printed.",
        f"Machine: {machine()}, virtual and shared. Date {datetime.now(UTC):%Y-%m-%d}, commit {commit}.",
        "Ratios are taken in one process or in turns, beside their reference; medians over rounds.",
        "",
        "| what | bound | measured |",
        "|---|---|---|",
    ]
    past = 0
    for what, find, unit, relation, bound in BOUNDS:
        value = find(sections)
        holds = value <= bound if relation == "<=" else value >= bound
        past += not holds
        sign = "at most" if relation == "<=" else "at least"
        shown = f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
        lines.append(f"| {what} | {sign} {bound:g} {unit} | {shown} {unit}{'' if holds else ' **past its bound**'} |")
    lines += ["", "What each measurement printed, its references beside it:", ""]
    for title, text in sections.items():
        lines += [f"## {title[0].upper()}{title[1:]}", "", "```text", text.strip(), "```", ""]
    print("\n".join(lines).rstrip("\n"))
    print(f"{len(BOUNDS)} bounds, {past} not met", file=sys.stderr)


if __name__ == "__main__":
    main()
