"""Bad input: counted, told once at the user's line, raised only when strict; neighbours are kept."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Script, Server

from runstone import ConflictError, InvalidError, Run, RunstoneWarning

BAD_VALUES: list[Any] = ["0.5", None, 1j, [1.0], object(), np.array([1.0, 2.0]), b"1"]
BAD_STEPS: list[Any] = ["1", math.nan, math.inf, [1], {}]
BAD_CONTEXTS: list[Any] = [3, "train", ["a"], {"x": object()}, {3: "x"}, {"x": math.nan}, {"x": {"y": {1, 2}}}]
BAD_NAMES: list[Any] = ["", None, 3, b"loss", "x" * 513]


@pytest.mark.parametrize("value", BAD_VALUES, ids=repr)
def test_a_value_that_is_no_number_is_refused_alone(server: Server, value: Any) -> None:
    with Run() as run:
        run.track(1.0, name="x", step=0)
        with pytest.warns(RunstoneWarning, match=r"is no number.*hint: ") as told:
            run.track(value, name="x", step=1)
            run.track(value, name="x", step=2)
        assert len(told) == 1
        assert told[0].filename == __file__
        run.track(2.0, name="x", step=3)
        assert run.flush().refused == 2
    assert server.points(run.hash, "x").values == [1, 2]
    assert server.run(run.hash)["completeness"]["refused"] == 2


def test_one_bad_item_of_a_log_leaves_the_others(server: Server) -> None:
    with Run() as run, pytest.warns(RunstoneWarning, match="value of 'b' is no number: 'text'"):
        run.log({"a": 1.0, "b": "text", "c": 2.0}, step=0)  # pyright: ignore[reportArgumentType]
    assert {name for name, _ in server.series(run.hash)} == {"a", "c"}


@pytest.mark.parametrize("step", BAD_STEPS, ids=repr)
def test_bad_steps_are_refused(server: Server, step: Any) -> None:
    with Run() as run:
        with pytest.warns(RunstoneWarning, match="is no finite number"):
            run.track(1.0, name="x", step=step)
        run.track(2.0, name="x", step=0)
    assert server.points(run.hash, "x").values == [2]


@pytest.mark.parametrize("context", BAD_CONTEXTS, ids=repr)
def test_a_context_that_is_no_json_object_is_refused(server: Server, context: Any) -> None:
    with Run() as run:
        with pytest.warns(RunstoneWarning, match="context"):
            run.track(1.0, name="x", step=0, context=context)
        with pytest.warns(RunstoneWarning, match="context"):
            run.log({"y": 1.0}, step=0, context=context)
        run.track(2.0, name="x", step=0)
        assert run.flush().refused == 2
    assert server.points(run.hash, "x").values == [2]


def test_contexts_beyond_the_limits_are_refused(server: Server) -> None:
    with Run() as run:
        for context in ({"x": "y" * 2000}, {"a": {"b": {"c": {"d": {"e": 1}}}}}):
            with pytest.warns(RunstoneWarning, match="hint: "):
                run.track(1.0, name="x", step=0, context=context)
    assert server.series(run.hash) == {}


@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda name: repr(name)[:20])
def test_bad_names_are_refused(server: Server, name: Any) -> None:
    with Run() as run:
        with pytest.warns(RunstoneWarning, match="hint: "):
            run.track(1.0, name=name, step=0)
        assert run.flush().refused == 1


@pytest.mark.parametrize("metrics", [3, None, "loss", [("a", 1)]], ids=repr)
def test_log_of_no_dict_is_refused(server: Server, metrics: Any) -> None:
    with Run() as run, pytest.warns(RunstoneWarning, match="log takes a dict"):
        run.log(metrics, step=0)


def test_strict_runs_raise(server: Server) -> None:
    with Run(strict=True) as run:
        for value in BAD_VALUES:
            with pytest.raises(InvalidError):
                run.track(value, name="x", step=0)
        for step in BAD_STEPS:
            with pytest.raises(InvalidError):
                run.track(1.0, name="x", step=step)
        for context in BAD_CONTEXTS:
            with pytest.raises(InvalidError):
                run.track(1.0, name="x", step=0, context=context)
        for name in BAD_NAMES:
            with pytest.raises(InvalidError):
                run.track(1.0, name=name, step=0)
        with pytest.raises(InvalidError):
            run.define_metric("x", goal="best")  # pyright: ignore[reportArgumentType]
        with pytest.raises(InvalidError):
            run.add_tag("")
        with pytest.raises(InvalidError):
            run["a..b"] = 1
    with pytest.raises(ConflictError, match="closed"):
        run.track(1.0, name="x", step=0)
    with pytest.raises(ConflictError, match="closed"):
        run["x"] = 1


def test_a_closed_run_counts_and_tells(server: Server) -> None:
    run = Run()
    run.close()
    with pytest.warns(RunstoneWarning, match="closed"):
        run.track(1.0, name="x", step=0)
        run.log({"a": 1.0}, step=0)
        run["x"] = 1
        run.name = "later"
    assert run.closed


def test_a_read_only_run_writes_nothing(server: Server) -> None:
    with Run(name="to look at") as run:
        run.track(1.0, name="x", step=0)
    looking = Run(run.hash, read_only=True)
    with pytest.warns(RunstoneWarning, match="read-only"):
        looking.track(2.0, name="x", step=1)
        looking["lr"] = 1
        looking.add_tag("no")
    assert looking.name == "to look at"
    looking.close()
    assert server.points(run.hash, "x").values == [1]
    assert server.run(run.hash)["state"] == "succeeded"
    strict = Run(run.hash, read_only=True, strict=True)
    with pytest.raises(ConflictError, match="read-only"):
        strict.track(1.0, name="x", step=0)


def test_interrupts_in_a_value_come_through(server: Server) -> None:
    class Interrupting:
        def __float__(self) -> float:
            raise KeyboardInterrupt

    class Failing:
        def __float__(self) -> float:
            raise ZeroDivisionError

    with Run() as run:
        with pytest.raises(KeyboardInterrupt):
            run.track(Interrupting(), name="x", step=0)
        with pytest.raises(KeyboardInterrupt):
            run.log({"a": 1.0, "x": Interrupting()}, step=0)
        with pytest.warns(RunstoneWarning, match="is no number"):
            run.track(Failing(), name="x", step=0)


def test_what_does_not_exist_yet_says_so(home: object) -> None:
    for value in (None, False):
        Run(
            mode="disabled",
            system_tracking_interval=value,
            log_system_params=value,
            capture_terminal_logs=value,
        ).close()
    for argument in ("system_tracking_interval", "log_system_params", "capture_terminal_logs"):
        keywords: dict[str, Any] = {argument: True}
        with pytest.raises(NotImplementedError, match=argument):
            Run(mode="disabled", **keywords)
    with pytest.raises(NotImplementedError, match="system metrics"):
        Run(mode="disabled", system_tracking_interval=10.0)


@pytest.mark.parametrize(
    "keywords",
    [
        {"mode": "loud"},
        {"run_hash": "a/b"},
        {"run_hash": ""},
        {"config": 3},
        {"read_only": True},
        {"repo": "http://me:secret@host"},
        {"repo": "nowhere"},
        {"on_full": "panic"},
        {"seed": "x"},
    ],
    ids=repr,
)
def test_arguments_that_can_never_be_right_raise(home: object, keywords: dict[str, Any]) -> None:
    with pytest.raises(InvalidError) as raised:
        Run(**keywords)
    assert "secret" not in str(raised.value)


UNFIT_AT_OPENING: list[tuple[dict[str, Any], str]] = [
    ({"experiment": ""}, "experiment"),
    ({"experiment": "e" * 257}, "experiment"),
    ({"name": "n" * 10_000_000}, "name"),
    ({"description": "d" * 10_000_000}, "description"),
    ({"group": "g" * 10_000_000}, "group"),
    ({"job_type": "j" * 10_000_000}, "job type"),
    ({"tags": ["", "good"]}, "tag"),
    ({"tags": ["t" * 257, "good", None]}, "tag"),
    ({"config": {"": 1, "lr": 2}}, "empty key"),
    ({"rerun_of": "a/b"}, "run id"),
]


@pytest.mark.parametrize(("keywords", "told"), UNFIT_AT_OPENING, ids=lambda item: repr(item)[:30])
def test_a_run_opens_without_what_can_not_be_kept(server: Server, keywords: dict[str, Any], told: str) -> None:
    with pytest.warns(RunstoneWarning, match=told) as warned:
        run = Run(**keywords)
    assert {warning.filename for warning in warned} == {__file__}
    with run:
        run.track(1.0, name="x", step=0)
        assert run.flush().refused == len(warned)
    detail = server.run(run.hash)
    assert (detail["experiment"], detail["name"]) == ("default", None)
    assert detail["tags"] == (["good"] if "tags" in keywords else [])
    assert detail["params"] == ({"lr": 2} if "config" in keywords else {})
    with pytest.raises(InvalidError, match=told):
        Run(strict=True, **keywords)


UNFIT_CALLS: list[Callable[[Any], object]] = [
    lambda run: setattr(run, "name", "n" * 10_000_000),
    lambda run: setattr(run, "name", ["n"]),
    lambda run: setattr(run, "description", object()),
    lambda run: setattr(run, "experiment", ""),
    lambda run: setattr(run, "experiment", None),
    lambda run: setattr(run, "archived", "yes"),
    lambda run: run.add_tag(""),
    lambda run: run.add_tag(["a", "b"]),
    lambda run: run.remove_tag(None),
    lambda run: run.set(None, 1),
    lambda run: run.__setitem__("a..b", 1),
    lambda run: run.__setitem__(("a", "b"), 1),
    lambda run: run.__delitem__(0.5),
    lambda run: run.define_metric(""),
    lambda run: run.define_metric("x", goal="best"),
    lambda run: run.define_metric("x", goal=1.5),
    lambda run: run.define_metric(None),
]


def test_setters_refuse_alone_what_can_not_be(server: Server) -> None:
    with Run(name="kept", tags=["kept"]) as run:
        for call in UNFIT_CALLS:
            with pytest.warns(RunstoneWarning, match="hint: ") as warned:
                call(run)
            assert warned[0].filename == __file__
        assert (run.name, run.tags, run.archived, run.experiment) == ("kept", ["kept"], False, "default")
        assert run.flush().refused == len(UNFIT_CALLS)
    detail = server.run(run.hash)
    assert (detail["name"], detail["tags"], detail["experiment"]) == ("kept", ["kept"], "default")
    with Run(strict=True) as strict:
        for call in UNFIT_CALLS:
            with pytest.raises(InvalidError, match="hint: "):
                call(strict)


def test_integers_are_taken_as_texts_and_flags(server: Server) -> None:
    anything: Any = 5
    with Run(tags=[7]) as run:  # pyright: ignore[reportArgumentType]
        run.add_tag(anything)
        run[anything] = 1
        run.name = anything
        run.archived = 1  # pyright: ignore[reportAttributeAccessIssue]
        assert (run.tags, run[anything], run.name, run.archived) == (["5", "7"], 1, "5", True)
        run.archived = 0  # pyright: ignore[reportAttributeAccessIssue]
        assert run.archived is False
    assert server.run(run.hash)["tags"] == ["5", "7"]


def test_warnings_turned_into_errors_do_not_stop_a_training(script: Script) -> None:
    done = script(
        """
        from runstone import Run
        run = Run(mode="offline")
        run.track("no number", name="x", step=0)
        run.track(1.0, name="x", step=0)
        print("trained")
        """,
        "-W",
        "error",
    )
    assert done.code == 0
    assert "trained" in done.out
    assert "is no number" in done.err


def test_without_a_server_one_warning_tells_where_the_data_are(home: Path, script: Script) -> None:
    done = script(
        """
        from runstone import Run
        with Run(experiment="nobody") as run:
            for step in range(100):
                run.track(1.0, name="x", step=step)
        """
    )
    assert done.code == 0
    assert done.out == ""
    assert done.err.count("not delivered") == 1
    assert "runstone sync" in done.err
    assert str(home / "spool") in done.err


def test_disabled_runs_say_nothing(script: Script) -> None:
    done = script(
        """
        from runstone import Run
        with Run() as run:
            run.track("no number", name="x")
            run.log({"a": 1})
            run["x"] = object
        """,
        "-W",
        "error",
        environment={"RUNSTONE_MODE": "disabled"},
    )
    assert (done.code, done.out) == (0, "")


def test_disabled_calls_check_nothing(home: object) -> None:
    with warnings.catch_warnings(), Run(mode="disabled", strict=True) as run:
        warnings.simplefilter("error")
        run.track("no number", name="x")  # pyright: ignore[reportArgumentType]
        run.track(1.0)
