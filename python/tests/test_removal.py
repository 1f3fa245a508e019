"""Removal: of a series, of one step, of all. What is logged afterwards shows."""

from __future__ import annotations

import math
import urllib.error
from typing import Any

import numpy as np
import pytest
from conftest import Server

from runstone import ConflictError, InvalidError, Run, RunstoneWarning


def shown(server: Server, run: Run, name: str, context: dict[str, Any] | None = None) -> list[tuple[float, Any]]:
    """Steps and values that show of a series; none if there is none."""
    try:
        points = server.points(run.hash, name, context)
    except urllib.error.HTTPError:
        return []
    return list(zip(points.steps, points.values, strict=True))


def fill(run: Run) -> None:
    for step in range(3):
        run.log({"x": step, "y": step}, step=step)
        run.track(step, name="x", step=step, context={"subset": "test"})


ALL = [(0, 0), (1, 1), (2, 2)]
TEST = {"subset": "test"}


def test_a_series_that_is_removed_shows_no_more(server: Server) -> None:
    with Run() as run:
        fill(run)
        run.remove("x")
        run.track(7, name="x", step=1)
    assert shown(server, run, "x") == [(1, 7)]
    assert shown(server, run, "x", TEST) == ALL
    assert shown(server, run, "y") == ALL


def test_a_series_is_removed_by_its_context(server: Server) -> None:
    with Run() as run:
        fill(run)
        run.remove("x", context=TEST)
    assert shown(server, run, "x") == ALL
    assert shown(server, run, "x", TEST) == []


@pytest.mark.parametrize("step", [1, 1.0, np.int64(1)])
def test_one_step_of_a_series_is_removed(server: Server, step: Any) -> None:
    with Run() as run:
        fill(run)
        run.remove("x", context=TEST, step=step)
    assert shown(server, run, "x", TEST) == [(0, 0), (2, 2)]
    assert shown(server, run, "x") == ALL


def test_all_series_are_removed_or_one_step_of_all(server: Server) -> None:
    with Run(config={"lr": 1}) as run:
        fill(run)
        run.remove_all(step=2)
        assert run.flush().complete
        assert shown(server, run, "y") == [(0, 0), (1, 1)]
        assert shown(server, run, "x", TEST) == [(0, 0), (1, 1)]
        run.remove_all()
        run.track(9, name="y", step=5)
    assert shown(server, run, "x") == []
    assert shown(server, run, "y") == [(5, 9)]
    assert server.run(run.hash)["params"] == {"lr": 1}


BAD: list[dict[str, Any]] = [
    {"name": ""},
    {"name": None},
    {"name": "x", "context": 3},
    {"name": "x", "context": {"a": object()}},
    {"name": "x", "step": "1"},
    {"name": "x", "step": math.nan},
]


@pytest.mark.parametrize("arguments", BAD, ids=repr)
def test_a_bad_removal_removes_nothing(server: Server, arguments: dict[str, Any]) -> None:
    with Run() as run:
        fill(run)
        with pytest.warns(RunstoneWarning, match="hint: "):
            run.remove(**arguments)
        assert run.flush().refused == 1
    assert shown(server, run, "x") == ALL
    with Run(strict=True) as strict, pytest.raises(InvalidError):
        strict.remove(**arguments)
    with pytest.raises(ConflictError, match="closed"):
        strict.remove_all()
