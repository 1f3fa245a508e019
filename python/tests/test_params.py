"""Params, tags and properties: set here, read here, read elsewhere."""

from __future__ import annotations

import argparse
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, Mock

import numpy as np
import pytest
from conftest import NOBODY, Server

from runstone import InvalidError, NotFoundError, Run, RunstoneWarning, UnavailableError


def test_config_merges_at_the_root(server: Server) -> None:
    with Run(config={"lr": 0.05, "net": {"layers": 2}}) as run:
        run["net"] = {"width": 64}
        run["net.activation"] = "relu"
        run["notes.origin"] = "first try"
        expected = {
            "lr": 0.05,
            "net": {"layers": 2, "width": 64, "activation": "relu"},
            "notes": {"origin": "first try"},
        }
        assert run.params == expected
    assert server.run(run.hash)["params"] == expected


def test_values_of_every_kind_keep_their_type(server: Server) -> None:
    with Run() as run:
        run["all"] = {
            "none": None,
            "flag": True,
            "one": 1,
            "one_float": 1.0,
            "large": 2**63 + 1,
            "text": "größe",
            "list": [1, 2.5, "x", [True]],
            "tuple": (1, 2),
            "array": np.arange(3),
            "matrix": np.eye(2),
            "scalar": np.float32(0.5),
            "integer": np.int64(3),
            "path": Path("a") / "b",
            "nan": math.nan,
            "empty": {},
        }
        here = run["all"]
        assert here["one_float"] == 1.0
        assert isinstance(here["one_float"], float)
        assert isinstance(here["one"], int)
        assert here["large"] == 2**63 + 1
        assert here["tuple"] == [1, 2]
        assert here["matrix"] == [[1.0, 0.0], [0.0, 1.0]]
        assert (here["scalar"], here["integer"], here["path"]) == (0.5, 3, "a/b")
        assert math.isnan(here["nan"])
        assert here["empty"] == {}
    there = server.run(run.hash)["params"]["all"]
    assert there["flag"] is True
    assert there["none"] is None
    assert there["large"] == 2**63 + 1
    assert there["array"] == [0, 1, 2]
    assert there["nan"] == "NaN"


def test_namespaces_and_dataclasses_are_dicts(server: Server) -> None:
    @dataclass
    class Net:
        width: int = 3

    with Run(config=argparse.Namespace(lr=0.1, net=SimpleNamespace(depth=2), more=Net())) as run:
        assert run.params == {"lr": 0.1, "net": {"depth": 2}, "more": {"width": 3}}


def test_what_has_no_place_is_kept_as_its_text_and_told(server: Server) -> None:
    class Odd:
        def __str__(self) -> str:
            return "odd one"

    with Run() as run:
        with pytest.warns(RunstoneWarning, match="param a.b is of type Odd"):
            run["a"] = {"b": Odd()}
        assert run["a.b"] == "odd one"


def test_objects_that_pretend_to_be_everything_do_no_harm(server: Server) -> None:
    with Run() as run, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run["mock"] = Mock(name="net")
        run["magic"] = [MagicMock()]
        assert "mock" in run


def cycle_of_dicts() -> dict[str, Any]:
    loop: dict[str, Any] = {"lr": 0.1}
    loop["self"] = loop
    loop["again"] = loop
    return loop


def list_in_itself() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"d": value}
    return value


def shared_without_end() -> dict[str, Any]:
    value: dict[str, Any] = {"x": 1}
    for _ in range(31):
        value = {"a": value, "b": value}
    return value


class Unreadable:
    def __init__(self) -> None:
        self.keys = None

    def __str__(self) -> str:
        raise ZeroDivisionError


UNFIT: list[tuple[str, Any, str, Any]] = [
    ("a list in itself", {"keep": 1, "loop": list_in_itself()}, "loop.0", {"keep": 1}),
    ("dicts in themselves", cycle_of_dicts(), "self", {"lr": 0.1}),
    ("too deep", {"keep": 1, "deep": nested(100_000)}, "deep.d", {"keep": 1}),
    ("a list too deep", {"keep": 1, "deep": [[nested(40)]]}, "deep.0.0.d", {"keep": 1}),
    ("shared without end", shared_without_end(), "has too many values", {}),
    ("an empty key", {"keep": 1, "net": {"": 2, "width": 3}}, "net", {"keep": 1, "net": {"width": 3}}),
    ("a long key", {"keep": 1, "k" * 513: 2}, "k" * 60, {"keep": 1}),
    ("an unreadable key", {"net": {Unreadable(): 1}, "keep": 1}, "net", {"keep": 1}),
    ("too much text", {"text": "x" * (17 * 1024 * 1024)}, "params of the run", {}),
]


@pytest.mark.parametrize(("value", "told", "kept"), [case[1:] for case in UNFIT], ids=[case[0] for case in UNFIT])
def test_what_does_not_fit_is_left_out_alone(server: Server, value: Any, told: str, kept: Any) -> None:
    def without_depth(value: Any) -> Any:
        # Of what is too deep the dicts around it stay, empty at the end.
        return {key: item for key, item in value.items() if key != "deep"}

    with pytest.warns(RunstoneWarning, match="hint: ") as warned:
        run = Run(config=value)
    assert any(told in str(warning.message) for warning in warned)
    assert {warning.filename for warning in warned} == {__file__}
    with run:
        assert without_depth(run.params) == kept
        with pytest.warns(RunstoneWarning, match="hint: "):
            run["below"] = value
            run["below"] = value
        run["after"] = 2
        assert without_depth(run.get("below") or {}) == kept
        assert run.flush().refused >= 2
    there = server.run(run.hash)["params"]
    assert there["after"] == 2
    assert without_depth(there.get("below", {})) == kept
    with pytest.raises(InvalidError, match="hint: "):
        Run(config=value, strict=True)
    with Run(strict=True) as strict, pytest.raises(InvalidError, match="hint: "):
        strict["below"] = value


def test_the_same_dict_in_two_places_is_no_cycle(server: Server) -> None:
    shared = {"x": [1]}
    with Run(config={"a": shared, "b": [shared, shared]}) as run:
        assert run.params == {"a": {"x": [1]}, "b": [{"x": [1]}, {"x": [1]}]}


def test_interrupts_in_a_param_come_through(server: Server) -> None:
    class Interrupting:
        def __str__(self) -> str:
            raise KeyboardInterrupt

    with Run() as run, pytest.raises(KeyboardInterrupt):
        run["x"] = {"y": Interrupting()}


def test_deleting_and_replacing(server: Server) -> None:
    with Run(config={"a": {"x": 1, "y": 2}, "b": {"x": 1}}) as run:
        del run["a.x"]
        del run["not there"]
        run.set("b", {"z": 3}, replace=True)
        assert "a.x" not in run
        assert "a.y" in run
        assert run.params == {"a": {"y": 2}, "b": {"z": 3}}
    assert server.run(run.hash)["params"] == {"a": {"y": 2}, "b": {"z": 3}}


def test_a_missing_param_is_a_key_error(server: Server) -> None:
    with Run() as run:
        with pytest.raises(NotFoundError, match="there is no param nope"):
            run["nope"]
        with pytest.raises(KeyError):
            run["nope"]
        assert run.get("nope") is None
        assert run.get("nope", 3) == 3
        with pytest.raises(InvalidError):
            run.get("")


def test_a_resumed_run_reads_from_the_server(server: Server) -> None:
    with Run(experiment="resume", name="first", tags=["a"], config={"lr": 0.1, "net": {"depth": 2}}) as run:
        run.description = "of the first"
    with Run(run.hash) as again:
        assert again["lr"] == 0.1
        assert again["net"] == {"depth": 2}
        assert (again.name, again.description, again.experiment, again.archived) == (
            "first",
            "of the first",
            "resume",
            False,
        )
        assert again.tags == ["a"]
        # What is set here shows at once, on top of what is there.
        again["net.width"] = 8
        again["lr"] = {"start": 0.2}
        again.add_tag("b")
        again.remove_tag("a")
        again.name = "second"
        assert again["net"] == {"depth": 2, "width": 8}
        assert again["lr"] == {"start": 0.2}
        assert again.tags == ["b"]
        assert again.name == "second"
        del again["net.depth"]
        assert again["net"] == {"width": 8}
    detail = server.run(run.hash)
    assert detail["params"] == {"lr": {"start": 0.2}, "net": {"width": 8}}
    assert (detail["name"], detail["tags"], detail["experiment"]) == ("second", ["b"], "resume")


def test_properties_can_be_set(server: Server) -> None:
    with Run(name="before", experiment="one", group="g", seed=3) as run:
        assert (run.name, run.description, run.experiment, run.archived, run.tags) == ("before", None, "one", False, [])
        run.name = "after"
        run.description = "words"
        run.experiment = "two"
        run.archived = True
        run.add_tag("v1")
        run.add_tag("v2")
        run.remove_tag("v1")
        assert (run.name, run.description, run.experiment, run.archived, run.tags) == (
            "after",
            "words",
            "two",
            True,
            ["v2"],
        )
    detail = server.run(run.hash)
    assert (detail["name"], detail["description"], detail["experiment"]) == ("after", "words", "two")
    assert (detail["archived"], detail["tags"], detail["group"], detail["seed"]) == (True, ["v2"], "g", 3)


def test_without_an_experiment_it_is_default_at_creation_only(server: Server) -> None:
    with Run() as run:
        assert run.experiment == "default"
    assert server.run(run.hash)["experiment"] == "default"
    with Run(experiment="kept") as run:
        pass
    with Run(run.hash) as again:
        again.track(1.0, name="x", step=0)
    assert server.run(run.hash)["experiment"] == "kept"


def test_a_run_of_any_id_is_created(server: Server) -> None:
    name = "an id of mine: 1 ü"
    with Run(name) as run:
        assert run.hash == name
        run.track(1.0, name="x", step=0)
    assert server.points(name, "x").values == [1]


def test_a_metric_is_defined_for_the_experiment(server: Server) -> None:
    with Run(experiment="defined") as run:
        run.define_metric("accuracy", goal="max", unit="share")
        run.define_metric("loss", goal="min", default_x="epoch")
        run.log({"accuracy": 0.5, "loss": 1.0}, step=0)
        run.log({"accuracy": 0.25, "loss": 2.0}, step=1)
    best = server.get("best", experiment="defined", metric="accuracy")
    assert (best["run"]["id"], best["value"], best["step"], best["goal"]) == (run.hash, 0.5, 0, "max")
    defined = {item["name"]: item for item in server.run(run.hash)["metrics_defined"]}
    assert defined["accuracy"]["unit"] == "share"
    assert defined["loss"]["default_x"] == "epoch"


def test_reading_without_a_server(home: Path) -> None:
    looking = Run("some-run", read_only=True, repo=NOBODY)
    with pytest.raises(UnavailableError, match="hint: "):
        looking["lr"]
    with pytest.raises(UnavailableError):
        looking.name  # noqa: B018
    with pytest.warns(RunstoneWarning, match="not delivered"), Run("some-run", repo=NOBODY, mode="offline") as run:
        run["lr"] = 0.5
        # Offline asks nobody.
        assert run["lr"] == 0.5
        assert run.get("momentum") is None


def test_reading_a_run_that_is_not_there(server: Server) -> None:
    with pytest.raises(NotFoundError, match="no-such-run"):
        Run("no-such-run", read_only=True)["lr"]
    with Run("not-yet-there") as run:
        assert run.get("lr") is None
        assert run.tags == []


def test_text_that_utf8_cannot_say_is_replaced(server: Server) -> None:
    with Run(config={"text": "a\ud800b"}) as run:
        run["nul"] = "a\0b"
    params = server.run(run.hash)["params"]
    assert "\ufffd" in params["text"]
    assert params["nul"] == "a\ufffdb"


@pytest.mark.parametrize("force", [False, True])
def test_a_resume_keeps_everything_forced_or_not(server: Server, force: bool) -> None:
    with Run(experiment="kept", name="first", tags=["a"], config={"lr": 0.1}) as run:
        run.track(1.0, name="x", step=0)
        # Another process may be writing, too: here a second writer of this one.
        with Run(run.hash, force_resume=force) as again:
            again.track(2.0, name="x", step=1)
    detail = server.run(run.hash)
    assert (detail["experiment"], detail["name"], detail["tags"]) == ("kept", "first", ["a"])
    assert detail["params"] == {"lr": 0.1}
    assert server.points(run.hash, "x").values == [1, 2]
