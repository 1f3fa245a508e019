"""Cost of a tracking call beside `list.append` of the same tuple, interleaved in one process.

Median of the ratios over 15 rounds of 50,000 calls, spool on, sender running. Then single calls of a hot
loop (p99, p99.9) and calls every few milliseconds beside an empty call. Times are nanoseconds.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

from runstone import Run

ROUNDS = 15
CALLS = 50_000


def rounds_of(loops: dict[str, Callable[[], None]], calls: dict[str, int]) -> dict[str, list[float]]:
    """Nanoseconds a call of each loop, one figure a round, the loops taking turns."""
    figures: dict[str, list[float]] = {name: [] for name in loops}
    for loop in loops.values():
        loop()
    for _ in range(ROUNDS):
        for name, loop in loops.items():
            begin = time.perf_counter_ns()
            loop()
            figures[name].append((time.perf_counter_ns() - begin) / calls[name])
    return figures


def percentile(sorted_values: list[int], share: float) -> int:
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def single_calls(call: Callable[[int], object], count: int, pause_seconds: float = 0.0) -> list[int]:
    """Sorted nanoseconds of single calls, each maybe after a pause."""
    clock = time.perf_counter_ns
    taken = []
    for step in range(count):
        if pause_seconds:
            time.sleep(pause_seconds)
        begin = clock()
        call(step)
        taken.append(clock() - begin)
    taken.sort()
    return taken


def main() -> None:
    url = sys.argv[1]
    run = Run(experiment="bench", name="calls", repo=url)
    value = 0.125
    samples: list[tuple[str, float, int]] = []
    hundred = {f"metric_{index}": 0.5 + index for index in range(100)}

    def append() -> None:
        samples.clear()
        for i in range(CALLS):
            samples.append(("loss", value, i))

    def track() -> None:
        for i in range(CALLS):
            run.track(value, name="loss", step=i)

    def track_context() -> None:
        for i in range(CALLS):
            run.track(value, name="loss", step=i, context={"subset": "train"})

    def log_hundred() -> None:
        for i in range(CALLS // 100):
            run.log(hundred, step=i)

    loops: dict[str, Callable[[], None]] = {
        "append": append,
        "track": track,
        "track with context": track_context,
        "log of 100 metrics, per metric": log_hundred,
    }
    try:
        import numpy

        narrow = numpy.float32(0.125)

        def track_float32() -> None:
            for i in range(CALLS):
                run.track(narrow, name="loss32", step=i)

        loops["track np.float32"] = track_float32
    except ImportError:
        print("numpy is not installed: no figure for np.float32", file=sys.stderr)
    figures = rounds_of(loops, dict.fromkeys(loops, CALLS))
    base = figures["append"]
    result: dict[str, dict[str, float]] = {}
    for name, taken in figures.items():
        result[name] = {
            "ns_min": round(min(taken), 1),
            "ns_median": round(statistics.median(taken), 1),
            "ratio_to_append_median": round(statistics.median(t / b for t, b in zip(taken, base, strict=True)), 2),
        }
    hot = single_calls(lambda step: run.track(value, name="hot", step=step), 200_000)
    empty_hot = single_calls(lambda step: None, 200_000)
    cold = single_calls(lambda step: run.track(value, name="cold", step=step), 400, 0.004)
    empty_cold = single_calls(lambda step: None, 400, 0.004)
    for name, taken in {"hot": hot, "hot, empty": empty_hot, "cold": cold, "cold, empty": empty_cold}.items():
        result[f"single call, {name}"] = {
            "p50": percentile(taken, 0.5),
            "p99": percentile(taken, 0.99),
            "p99.9": percentile(taken, 0.999),
        }
    run.close()
    print(json.dumps({"python": sys.version.split()[0], "figures": result}, indent=2))


if __name__ == "__main__":
    main()
