"""What `track` and `log` write, read back from the server."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from conftest import Server

from runstone import Run


def test_values_steps_and_contexts_arrive(server: Server) -> None:
    begin = time.time()
    with Run(experiment="tracking") as run:
        for step in range(1000):
            run.track(step / 4, name="loss", step=step, context={"subset": "train"})
            run.track(step / 8, "loss", step, context={"subset": "test"})
            run.log({"accuracy": step / 1000, "lr": 0.5}, step=step)
    train = server.points(run.hash, "loss", {"subset": "train"})
    assert train.steps == list(range(1000))
    assert train.values == [step / 4 for step in range(1000)]
    assert train.value_type == "f64"
    assert train.epochs is None
    assert all(begin - 1 < micros / 1e6 < time.time() + 1 for micros in train.times_micros)
    assert server.points(run.hash, "loss", {"subset": "test"}).values == [step / 8 for step in range(1000)]
    assert server.points(run.hash, "accuracy").values == [step / 1000 for step in range(1000)]
    assert server.points(run.hash, "lr").steps == list(range(1000))
    detail = server.run(run.hash)
    assert detail["completeness"]["logged"] == detail["completeness"]["durable"] == 4000
    assert detail["state"] == "succeeded"


def test_all_items_of_one_log_have_one_time(server: Server) -> None:
    with Run() as run:
        run.log({f"metric_{index}": index for index in range(50)}, step=3)
    times = {server.points(run.hash, f"metric_{index}").times_micros[0] for index in range(50)}
    assert len(times) == 1


def test_numbers_of_every_kind(server: Server) -> None:
    values: dict[str, Any] = {
        "float": 0.1,
        "int": 7,
        "bool": True,
        "large": 2**62 + 1,
        "larger": 2**80,
        "np_float64": np.float64(0.1),
        "np_float32": np.float32(0.1),
        "np_int64": np.int64(-5),
        "np_uint8": np.uint8(200),
        "np_bool": np.bool_(True),
        "np_zero_d": np.array(2.5),
        "np_zero_d_int": np.array(3),
        "fraction": Fraction(1, 4),
        "nan": math.nan,
        "infinite": -math.inf,
    }
    with Run(strict=True) as run:
        for name, value in values.items():
            run.track(value, name=name, step=0)
        run.log(values, step=1)
    for name, expected in {
        "float": 0.1,
        "int": 7,
        "bool": 1,
        "large": 2**62 + 1,
        "larger": 2.0**80,
        "np_float64": 0.1,
        "np_float32": float(np.float32(0.1)),
        "np_int64": -5,
        "np_uint8": 200,
        "np_bool": 1,
        "np_zero_d": 2.5,
        "np_zero_d_int": 3,
        "fraction": 0.25,
        "nan": "NaN",
        "infinite": "-Infinity",
    }.items():
        assert server.points(run.hash, name).values == [expected, expected], name
    assert server.points(run.hash, "int").value_type == "i64"
    assert server.points(run.hash, "np_int64").value_type == "i64"
    assert server.points(run.hash, "np_float32").value_type == "f32"


def test_integers_and_floats_of_one_series_read_as_floats(server: Server) -> None:
    with Run() as run:
        run.track(1, name="mixed", step=0)
        run.track(1.5, name="mixed", step=1)
    points = server.points(run.hash, "mixed")
    assert points.value_type == "f64"
    assert points.values == [1, 1.5]


def test_a_dict_logs_its_items(server: Server) -> None:
    with Run() as run:
        run.track({"a": 1, "b": 2.5}, step=4, context={"subset": "train"})
        run.track(OrderedDict(a=3), step=5, context={"subset": "train"})
        run.log(MappingProxyType({"a": 9}), step=6, context={"subset": "train"})
    assert server.points(run.hash, "a", {"subset": "train"}).values == [1, 3, 9]
    assert server.points(run.hash, "b", {"subset": "train"}).steps == [4]


def test_steps_may_be_any_finite_number_in_any_order(server: Server) -> None:
    with Run() as run:
        for step in [5, 1.5, np.int64(3), -2, np.float32(0.5), 2**53, -0.0]:
            run.track(float(step), name="x", step=step)
        run.track(100.0, name="x", step=5)
    points = server.points(run.hash, "x")
    assert points.steps == [-2, 0, 0.5, 1.5, 3, 5, 2**53]
    assert points.values == [-2, 0, 0.5, 1.5, 3, 100, 2**53]


def test_steps_left_out_count_by_themselves(server: Server) -> None:
    with Run() as run:
        for value in range(5):
            run.track(value / 2, name="auto")
            run.log({"other": value / 2})
    assert server.points(run.hash, "auto").steps == [0, 1, 2, 3, 4]
    with Run(run.hash) as again:
        again.track(9.5, name="auto")
    points = server.points(run.hash, "auto")
    assert points.steps == [0, 1, 2, 3, 4, 5]
    assert points.values[-1] == 9.5


def test_epochs_are_kept(server: Server) -> None:
    with Run() as run:
        run.track(1.0, "x", 0, 0.25)
        run.track(2.0, name="x", step=1)
        run.log({"x": 3.0}, step=2, epoch=np.float64(1.5))
    assert server.points(run.hash, "x").epochs == [0.25, None, 1.5]


def test_the_same_context_in_other_words_is_one_series(server: Server) -> None:
    with Run() as run:
        run.track(0.0, name="x", step=0, context={"a": 1, "b": "two"})
        run.track(1.0, name="x", step=1, context={"b": "two", "a": 1.0})
        run.track(2.0, name="x", step=2, context={"b": "two", "a": np.int64(1)})
        run.track(3.0, name="y", step=3, context={})
        run.track(4.0, name="y", step=4, context=None)
        run.track(5.0, name="y", step=5)
    assert server.points(run.hash, "x", {"a": 1, "b": "two"}).values == [0, 1, 2]
    assert server.points(run.hash, "y").values == [3, 4, 5]
    assert len(server.series(run.hash)) == 2


def test_true_is_not_one_in_a_context(server: Server) -> None:
    with Run() as run:
        run.track(0.0, name="x", step=0, context={"flag": True})
        run.track(1.0, name="x", step=0, context={"flag": 1})
    assert len(server.series(run.hash)) == 2


def test_a_context_may_change_between_calls(server: Server) -> None:
    context: dict[str, Any] = {"subset": "train"}
    with Run() as run:
        run.track(0.0, name="x", step=0, context=context)
        context["subset"] = "test"
        run.track(1.0, name="x", step=1, context=context)
        context["fold"] = 3
        run.track(2.0, name="x", step=2, context=context)
        del context["fold"]
        run.track(3.0, name="x", step=3, context=context)
    assert server.points(run.hash, "x", {"subset": "train"}).values == [0]
    assert server.points(run.hash, "x", {"subset": "test"}).values == [1, 3]
    assert server.points(run.hash, "x", {"subset": "test", "fold": 3}).values == [2]


def test_names_and_contexts_made_in_the_call_are_told_apart(server: Server) -> None:
    # Each text is made anew and freed at once, so addresses are reused all the time.
    with Run() as run:
        for step in range(60):
            for index in range(40):
                run.track(float(index), name=f"metric {index}", step=step)
                run.track(float(index), name="fold", step=step, context={"fold": 1000 + index, f"k{index % 3}": "v"})
    for index in range(40):
        assert server.points(run.hash, f"metric {index}").values == [index] * 60
        context = {"fold": 1000 + index, f"k{index % 3}": "v"}
        assert server.points(run.hash, "fold", context).values == [index] * 60


def test_thousands_of_names_are_told_apart(server: Server) -> None:
    names = [f"layer{index}.weight" for index in range(3000)]
    with Run() as run:
        for step in range(3):
            run.log({name: float(index) for index, name in enumerate(names)}, step=step)
    for index in (0, 1, 999, 2048, 2999):
        assert server.points(run.hash, names[index]).values == [index] * 3


def test_deep_contexts_and_many_keys(server: Server) -> None:
    many = {f"key{index}": index for index in range(9)}
    deep = {"a": {"b": [1, {"c": None}]}}
    with Run() as run:
        for step in range(3):
            run.track(1.0, name="x", step=step, context=many)
            run.track(2.0, name="x", step=step, context=deep)
    assert server.points(run.hash, "x", many).values == [1] * 3
    assert server.points(run.hash, "x", deep).values == [2] * 3


def test_a_value_may_track_while_it_is_converted(server: Server) -> None:
    run = Run()
    context = {"subset": "train"}

    class Nosy:
        def __float__(self) -> float:
            run.track(7.0, name="inner", step=0)
            context["subset"] = "test"
            return 1.0

    with run:
        run.track(Nosy(), name="outer", step=0, context=context)
    assert server.points(run.hash, "inner").values == [7]
    # The context counts as it is when the point is written.
    assert server.points(run.hash, "outer", {"subset": "test"}).values == [1]


def test_a_dict_that_changes_while_it_is_logged_does_no_harm(server: Server) -> None:
    metrics: dict[str, Any] = {}

    class Growing:
        def __float__(self) -> float:
            metrics[f"grown {len(metrics)}"] = Growing()
            return 1.0

    class Clearing:
        def __float__(self) -> float:
            metrics.clear()
            return 2.0

    with Run() as run:
        metrics["first"] = Growing()
        run.log(metrics, step=0)
        metrics["last"] = Clearing()
        run.log(metrics, step=1)
    assert server.points(run.hash, "first").values[0] == 1
    assert len(server.series(run.hash)) < 10


def test_odd_names_are_fine(server: Server) -> None:
    names = ["größe/x.y[0]", "a b", "日本語", "x" * 512, "..", "%2F?#&"]
    with Run(strict=True) as run:
        for name in names:
            run.track(1.0, name=name, step=0)
    assert {name for name, _ in server.series(run.hash)} == set(names)


def test_a_flush_makes_everything_readable(server: Server) -> None:
    with Run() as run:
        for step in range(10_000):
            run.track(1.0, name="x", step=step)
        report = run.flush()
        assert report.complete
        assert report.reached
        assert (report.acknowledged, report.pending, report.refused, report.dropped) == (10_000, 0, 0, 0)
        assert len(server.points(run.hash, "x").steps) == 10_000
        assert "complete=True" in repr(report)
    report = run.close()
    assert report.delivered
    assert report.acknowledged == 10_000


@pytest.mark.parametrize("arguments", [(), (1.0, "x", 0, 0, {})])
def test_calls_with_wrong_arguments_raise_like_any_call(server: Server, arguments: tuple[Any, ...]) -> None:
    with Run() as run, pytest.raises(TypeError, match=r"track\(\)"):
        run.track(*arguments)


def test_keywords_need_not_be_literals(server: Server) -> None:
    with Run() as run:
        keywords: dict[str, Any] = {"na" + "me".lower(): "x", "".join(["st", "ep"]): 3, "value": 1.5}
        run.track(**keywords)
        with pytest.raises(TypeError, match="unexpected keyword argument 'stepp'"):
            run.track(1.0, stepp=1)  # pyright: ignore[reportCallIssue]
        with pytest.raises(TypeError, match="multiple values for argument 'value'"):
            run.track(1.0, value=1)  # pyright: ignore[reportCallIssue]
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            run.log({"x": 1}, name="y")  # pyright: ignore[reportCallIssue]
    assert server.points(run.hash, "x").steps == [3]


def test_a_bool_of_numpy_is_a_bool_as_pythons(server: Server) -> None:
    with Run(config={"flag": np.bool_(True), "flags": [np.bool_(False)]}) as run:
        for step, value in enumerate([True, np.bool_(True), False, np.bool_(False)]):
            run.track(value, name="flag", step=step, context={"on": bool(value)})
            run.log({"flag of numpy": np.bool_(value)}, step=step, context={"on": np.bool_(value)})
        run.track(np.array(2.5), name="array", step=np.bool_(True))
        assert run["flag"] is True
        assert run["flags"] == [False]
    for name in ("flag", "flag of numpy"):
        points = server.points(run.hash, name, {"on": True})
        assert (points.value_type, points.steps, points.values) == ("i64", [0, 1], [1, 1])
        assert server.points(run.hash, name, {"on": False}).values == [0, 0]
    assert (server.points(run.hash, "array").steps, server.points(run.hash, "array").values) == ([1], [2.5])
    assert server.run(run.hash)["params"]["flag"] is True
