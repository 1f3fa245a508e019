"""Draws docs/concepts/growth.svg, and prints the table beside it, from what growth_figures printed.

`growth.py OUTPUT [PICTURE]`: reads the lines of JSON in OUTPUT and draws nothing else. The same lines give the same
picture: it holds no date, no path and no random name.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

Row = dict[str, Any]

AXES = [
    ("points", 10, "points a metric (one run, 10 metrics)"),
    ("runs", 10, "runs (10 metrics of 10 points, 30 params)"),
    ("series", 1_500, "series (1,500 a run, 1,500 names)"),
    ("series", 100_000, "series (1,500 a run, 100,000 names)"),
]
QUERIES = [
    ("table", "table by a metric", "#0b6e99"),
    ("table_changed", "table again, after a change", "#5aa7c7"),
    ("metric_of_runs", "a metric of up to 1,000 runs", "#b8480f"),
    ("metrics_of_run", "up to 300 metrics of a run", "#6a3d9a"),
    ("line", "one line", "#2e7d32"),
    ("run", "a run's page", "#8d6e00"),
]
INK, PALE = "#222222", "#d8d8d8"


def short(value: float, _place: int = 0) -> str:
    for factor, letter in [(1e9, "G"), (1e6, "M"), (1e3, "k")]:
        if value >= factor:
            return f"{value / factor:g}{letter}"
    return f"{value:g}"


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith('{"')]


def dress(panel: Axes, unit: str) -> None:
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_ylabel(unit)
    panel.grid(color=PALE, linewidth=0.6)
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_locator(LogLocator(numticks=8))
        axis.set_major_formatter(FuncFormatter(short))
        axis.set_minor_locator(NullLocator())
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


def room(panel: Axes) -> None:
    """At least a decade and a half on y, so that noise does not look like growth."""
    low, high = panel.get_ylim()
    if high / low < 30:
        middle = (low * high) ** 0.5
        panel.set_ylim(middle / 30**0.5, middle * 30**0.5)


def draw(rows: list[Row], picture: Path) -> None:
    plt.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "growth",
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans"],
            "font.size": 8,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )
    figure, panels = plt.subplots(4, len(AXES), figsize=(13, 12), layout="constrained", squeeze=False)
    figure.set_facecolor("#fbfbf8")
    for column, (axis, names, title) in enumerate(AXES):
        ours = [row for row in rows if row["axis"] == axis and row["names"] == names]
        sizes = [row["size"] for row in ours]
        adding, asking, first, space = panels[:, column]
        for panel in panels[:, column]:
            panel.set_facecolor("#fbfbf8")
        unit = "points" if axis == "points" else "series"
        for key, label, colour in [("append", "acknowledged", "#0b6e99"), ("fold", "folded", "#b8480f")]:
            values = [row[f"{key}_{unit}_per_second"] for row in ours]
            adding.plot(sizes, values, "o-", color=colour, markersize=3.5, linewidth=1.4, label=label)
        for panel, time in [(asking, "warm"), (first, "first")]:
            for key, label, colour in QUERIES:
                # The first one is the table itself, before a change.
                if (key, time) == ("table_changed", "first"):
                    continue
                known = [row for row in ours if key in row["queries"]]
                values = [row["queries"][key][time] for row in known]
                panel.plot(
                    [row["size"] for row in known],
                    values,
                    "o-",
                    color=colour,
                    markersize=3.5,
                    linewidth=1.4,
                    label=label,
                )
        per = "point" if axis == "points" else "series"
        space.plot(
            sizes, [row[f"bytes_per_{per}"] for row in ours], "o-", color="#2e7d32", markersize=3.5, linewidth=1.4
        )
        adding.set_title(title, fontsize=8.5)
        for panel, text in [
            (adding, f"{unit} a second"),
            (asking, "ms, warm (median)"),
            (first, "ms, first after opening"),
            (space, f"bytes a {per}"),
        ]:
            dress(panel, text)
        room(adding)
        room(space)
        space.set_xlabel(title.split(" (")[0])
    for row in (1, 2):
        limits = [panel.get_ylim() for panel in panels[row]]
        for panel in panels[row]:
            panel.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
    panels[0][0].legend(frameon=False, loc="lower left")
    handles, labels = panels[1][1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(QUERIES), frameon=False)
    figure.savefig(picture, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    # A hundredth of a point is enough, and neither comments nor blanks are.
    text = re.sub(r"(\d+\.\d\d)\d+", r"\1", picture.read_text())
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    picture.write_text("\n".join(lines) + "\n")


def table(rows: list[Row]) -> str:
    def shown(value: float) -> str:
        return f"{value:.0f}" if value >= 100 else f"{value:.3g}"

    def rate(row: Row, work: str, unit: str) -> str:
        return short(float(f"{row[f'{work}_{unit}_per_second']:.2g}"))

    lines = [
        "| held | added a second | folded a second | bytes | " + " | ".join(label for _, label, _ in QUERIES) + " |",
        "|---|---|---|---|" + "---|" * len(QUERIES),
    ]
    for axis, names, _ in AXES:
        for row in rows:
            if (row["axis"], row["names"]) != (axis, names):
                continue
            unit = "points" if axis == "points" else "series"
            per = "point" if axis == "points" else "series"
            held = f"{short(row['size'])} {'points a metric' if axis == 'points' else axis}"
            if axis == "series":
                held += f", {short(names)} names"
            answers = [(key, row["queries"].get(key)) for key, _, _ in QUERIES]
            cells = [
                "" if not a else shown(a["warm"]) + ("" if key == "table_changed" else f" / {shown(a['first'])}")
                for key, a in answers
            ]
            space = f"{shown(row[f'bytes_per_{per}'])} a {per}"
            rates = [f"{rate(row, work, unit)} {unit}" for work in ("append", "fold")]
            lines.append(f"| {' | '.join([held, *rates, space, *cells])} |")
    return "\n".join(lines)


def main() -> None:
    rows = read(Path(sys.argv[1]))
    root = Path(__file__).resolve().parent.parent
    draw(rows, Path(sys.argv[2]) if len(sys.argv) > 2 else root / "docs/concepts/growth.svg")
    print(table(rows))


if __name__ == "__main__":
    main()
