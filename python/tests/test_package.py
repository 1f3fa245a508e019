"""The package itself: what an import does, and whether the types tell the truth."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
from conftest import Script

import runstone
from runstone import FlushReport, Run

# Part of the interpreter itself, or loaded by every start.
CHEAP = {"atexit"}


def test_import_pulls_in_no_other_package(script: Script) -> None:
    done = script(
        """
        import json, sys
        before = set(sys.modules)
        import runstone
        print(json.dumps(sorted(set(sys.modules) - before)))
        """,
        "-I",
    )
    assert done.err == ""
    loaded = {name for name in done.json if name.split(".")[0] != "runstone"}
    assert loaded <= CHEAP


def test_a_run_pulls_in_no_other_package(script: Script) -> None:
    done = script(
        """
        import json, sys
        before = set(sys.modules)
        import runstone
        run = runstone.Run(mode="offline")
        run.track(1.0, name="loss", step=0, context={"a": 1})
        run["lr"] = 0.5
        run.close()
        print(json.dumps(sorted(set(sys.modules) - before)))
        """,
        "-I",
        "-W",
        "ignore",
    )
    loaded = {name for name in done.json if name.split(".")[0] != "runstone"}
    assert loaded <= CHEAP


def test_everything_exported_exists() -> None:
    for name in runstone.__all__:
        assert getattr(runstone, name) is not None
    assert runstone.__version__.count(".") == 2


def stub_of(name: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((Path(runstone.__file__).parent / "_runstone.pyi").read_text())
    stub = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    return {node.name: node for node in stub.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    "method",
    [
        *("track", "log", "set", "get", "define_metric", "remove", "remove_all"),
        *("flush", "close", "finish", "add_tag", "remove_tag"),
    ],
)
def test_the_stub_has_the_signature_of_the_module(method: str) -> None:
    real = inspect.signature(getattr(Run, method))
    stub = stub_of("Run")[method].args
    positional = [parameter.arg for parameter in stub.args]
    keywords = [parameter.arg for parameter in stub.kwonlyargs]
    kinds = {name: parameter.kind for name, parameter in real.parameters.items()}
    assert [name for name, kind in kinds.items() if kind != inspect.Parameter.KEYWORD_ONLY] == positional
    assert [name for name, kind in kinds.items() if kind == inspect.Parameter.KEYWORD_ONLY] == keywords
    defaults = [parameter.default for parameter in real.parameters.values() if parameter.default is not parameter.empty]
    written = [ast.literal_eval(node) for node in [*stub.defaults, *stub.kw_defaults] if node is not None]
    assert defaults == written


def test_the_stub_has_the_arguments_of_a_run() -> None:
    real = inspect.signature(Run).parameters
    stub = stub_of("Run")["__new__"].args
    assert list(real) == [parameter.arg for parameter in [*stub.args[1:], *stub.kwonlyargs]]


def test_the_stub_names_every_public_member() -> None:
    for kind in (Run, FlushReport, runstone.CloseReport):
        public = {name for name in vars(kind) if not name.startswith("_")}
        assert public == {name for name in stub_of(kind.__name__) if not name.startswith("_")}


@pytest.mark.parametrize("name", ["track", "log", "flush", "close", "define_metric", "set", "remove", "remove_all"])
def test_methods_are_documented(name: str) -> None:
    assert len(getattr(Run, name).__doc__) > 100


def test_errors_have_one_root_and_familiar_parents() -> None:
    kinds = ["Invalid", "NotFound", "Conflict", "Unavailable", "Corrupt", "Internal"]
    for kind in kinds:
        assert issubclass(getattr(runstone, f"{kind}Error"), runstone.RunstoneError)
    assert issubclass(runstone.InvalidError, ValueError)
    assert issubclass(runstone.NotFoundError, KeyError)
    assert issubclass(runstone.UnavailableError, ConnectionError)
    assert str(runstone.NotFoundError("there is none")) == "there is none"
