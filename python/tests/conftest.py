"""The real server, a home of its own for each test, and scripts in processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import textwrap
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NOBODY = "http://127.0.0.1:9"

# A shell that starts us in the background has SIGINT ignored, and what we start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def find_binary() -> str:
    """Path of the command `runstone`: from RUNSTONE_BINARY, else beside this Python, else on the path."""
    given = os.environ.get("RUNSTONE_BINARY")
    if given and Path(given).is_file():
        return given
    found = shutil.which("runstone", path=sysconfig.get_path("scripts")) or shutil.which("runstone")
    if found is None:
        pytest.fail("no binary; hint: run scripts/python_tests.sh, or set RUNSTONE_BINARY")
    return found


@dataclass(frozen=True)
class Points:
    """Points of one series, in the order of their steps."""

    value_type: str
    steps: list[float]
    values: list[Any]
    epochs: list[float | None] | None
    times_micros: list[int]


class Server:
    """A running `runstone up` on a free port."""

    def __init__(self, home: Path, data: Path | None = None) -> None:
        self.home = home
        self.data = data or home / "data"
        self.environment = {**os.environ, "RUNSTONE_HOME": str(home), "NO_COLOR": "1"}
        for name in ("RUNSTONE_URL", "RUNSTONE_SPOOL", "RUNSTONE_TOKEN", "RUNSTONE_MODE"):
            self.environment.pop(name, None)
        home.mkdir(parents=True, exist_ok=True)
        with (home / "server.log").open("wb") as log:
            self.process = subprocess.Popen(
                [find_binary(), "up", "--data", str(self.data), "--listen", "127.0.0.1:0", "--json"],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, (home / "server.log").read_text()
        self.url: str = json.loads(line)["url"]

    def get(self, path: str, **query: str | int | float | None) -> Any:
        """Body of an answer of the native API; raises `HTTPError` otherwise."""
        asked = {name: str(value) for name, value in query.items() if value is not None}
        address = f"{self.url}/runstone/v1/{path}?{urllib.parse.urlencode(asked)}"
        with urllib.request.urlopen(address, timeout=20) as answer:
            return json.load(answer)

    def run(self, run: str) -> Any:
        return self.get(f"runs/{urllib.parse.quote(run, safe='')}")

    def series(self, run: str) -> dict[tuple[str, str], Any]:
        """Series by name and context."""
        found = self.get(f"runs/{urllib.parse.quote(run, safe='')}/series", limit=2000)["series"]
        return {(item["name"], json.dumps(item["context"], sort_keys=True)): item for item in found}

    def points(self, run: str, name: str, context: dict[str, Any] | None = None) -> Points:
        """All readable points of a series."""
        columns: dict[str, list[Any]] = {"steps": [], "values": [], "epochs": [], "times_micros": []}
        cursor: str | None = None
        while True:
            page = self.get(
                f"runs/{urllib.parse.quote(run, safe='')}/points",
                name=name,
                context=json.dumps(context or {}),
                cursor=cursor,
                limit=50_000,
            )
            for column in columns:
                columns[column] += page.get(column) or []
            cursor = page["next_cursor"]
            if cursor is None:
                return Points(
                    page["value_type"],
                    columns["steps"],
                    columns["values"],
                    columns["epochs"] or None,
                    columns["times_micros"],
                )

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and no server unless a test names one."""
    monkeypatch.setenv("RUNSTONE_HOME", str(tmp_path / "home"))
    for name in ("RUNSTONE_SPOOL", "RUNSTONE_TOKEN", "RUNSTONE_MODE", "MATYAN_FRONTIER_URL", "MATYAN_BACKEND_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RUNSTONE_URL", NOBODY)
    return tmp_path / "home"


@pytest.fixture
def server(shared_server: Server, home: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server that runs of this test write to."""
    monkeypatch.setenv("RUNSTONE_URL", shared_server.url)
    return shared_server


@dataclass(frozen=True)
class Finished:
    """A script that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The last line that the script printed."""
        return json.loads(self.out.strip().splitlines()[-1])


class Script:
    """Runs Python code in a process of its own, in the environment of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, code: str, *options: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        path = self.folder / "script.py"
        path.write_text(textwrap.dedent(code))
        return subprocess.Popen(
            [sys.executable, *options, str(path)],
            env={**os.environ, **(environment or {})},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(
        self, code: str, *options: str, timeout: float = 60, environment: Mapping[str, str] | None = None
    ) -> Finished:
        process = self.start(code, *options, environment=environment)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"the script did not end\n{out}\n{err}")
        return Finished(process.returncode, out, err)


@pytest.fixture
def script(tmp_path: Path, home: Path) -> Script:
    return Script(tmp_path)


def not_found(server: Server, run: str) -> bool:
    """Whether the server has no such run."""
    with contextlib.suppress(urllib.error.HTTPError):
        server.run(run)
        return False
    return True
