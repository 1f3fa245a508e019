"""Forks and rewinds: what a new run shares with its parent, and where counting goes on."""

from __future__ import annotations

import math
import subprocess
from typing import Any

import pytest
from conftest import Server, find_binary

from runstone import InvalidError, Run, RunstoneWarning, UnavailableError


def shown(server: Server, run: Run, name: str) -> list[tuple[float, Any]]:
    points = server.points(run.hash, name)
    return list(zip(points.steps, points.values, strict=True))


def test_a_rewind_takes_back_and_counting_goes_on_from_there(server: Server) -> None:
    with Run() as run:
        for value in range(6):
            run.track(value, name="counted")
            run.track(value, name="loss", step=value)
        run.rewind(4)
        run.track(40, name="counted")
        run.track(0.5, name="counted")
        run.track(40, name="loss", step=4)
    left = [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert shown(server, run, "counted") == [*left, (4, 40), (5, 0.5)]
    assert shown(server, run, "loss") == [*left, (4, 40)]


def test_a_resumed_run_is_rewound_to_its_checkpoint(server: Server) -> None:
    with Run() as first:
        for value in range(6):
            first.track(value, name="counted")
    with Run(first.hash) as run:
        run.rewind(3)
        run.track(30, name="counted")
    with Run(first.hash) as run:
        run.track(31, name="counted")
    assert shown(server, run, "counted") == [(0, 0), (1, 1), (2, 2), (3, 30), (4, 31)]


def test_a_fork_shares_what_its_parent_has_logged_so_far(server: Server) -> None:
    with Run(experiment="forks") as parent:
        for value in range(6):
            parent.track(value, name="loss", step=value)
            parent.track(value, name="counted")
        with Run.fork(parent, at_step=3, config={"lr": 0.1}) as run:
            run.track(70, name="counted")
            run.track(90, name="loss", step=3)
        parent.track(-1, name="loss", step=0)
    assert shown(server, run, "loss") == [(0, 0), (1, 1), (2, 2), (3, 90)]
    assert shown(server, run, "counted") == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 70)]
    assert shown(server, parent, "loss") == [(0, -1), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]
    detail = server.run(run.hash)
    assert detail["experiment"] == "forks"
    assert (detail["parent"]["run"], detail["parent"]["step"]) == (parent.hash, 3)
    assert server.run(parent.hash)["parent"] is None


def test_a_fork_of_an_id_outlives_its_parent(server: Server) -> None:
    with Run() as parent:
        parent.log({"x": 1.5}, step=0)
    with Run.fork(parent.hash, 0, name="child") as run:
        pass
    delete = [find_binary(), "delete", parent.hash, "--now", "--url", server.url]
    subprocess.run(delete, check=True, env=server.environment)
    assert shown(server, run, "x") == [(0, 1.5)]
    assert server.run(run.hash)["parent"]["run"] is None


def test_a_fork_is_refused_while_its_parents_points_are_not_delivered(server: Server) -> None:
    parent = Run(mode="offline")
    parent.track(1, name="x", step=0)
    with pytest.raises(UnavailableError, match="not delivered yet"):
        Run.fork(parent, at_step=0)
    with pytest.warns(RunstoneWarning, match="not delivered yet"):
        parent.close(timeout=0)


@pytest.mark.parametrize("step", [math.nan, math.inf, "three", None])
def test_a_step_that_is_no_number_is_refused(server: Server, step: Any) -> None:
    with Run(strict=True) as run:
        with pytest.raises(InvalidError, match="to_step is no finite number"):
            run.rewind(step)
        with pytest.raises(InvalidError, match=r"fork_step|belong together"):
            Run(fork_from=run.hash, fork_step=step)
        with pytest.raises(InvalidError, match="belong together"):
            Run(fork_step=3)
