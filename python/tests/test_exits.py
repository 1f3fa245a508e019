"""Runs that nobody closes end as their process does, and the process notices nothing of it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from conftest import Script, Server
from test_ends import reason_of

OPENS = "from runstone import Run; run = Run(); run.track(1.0, name='x', step=0); open('id', 'w').write(run.hash)"
WAYS = ["script", "-c", "-m"]
SUCCEEDED = ("succeeded", None, None)
ENDS = [
    ("pass", SUCCEEDED),
    ("sys.exit()", SUCCEEDED),
    ("sys.exit(0)", SUCCEEDED),
    ("sys.exit(3)", ("failed", "exit_code", "exit code 3")),
    ("sys.exit(True)", ("failed", "exit_code", "exit code 1")),
    ("sys.exit('no data')", ("failed", "exit_code", "exit code 1: no data")),
    ("raise SystemExit(4)", ("failed", "exit_code", "exit code 4")),
    ("exit(5)", ("failed", "exit_code", "exit code 5")),
    ("import argparse; argparse.ArgumentParser('tool').error('what?')", ("failed", "exit_code", "exit code 2")),
    ("raise ValueError('out of luck')", ("failed", "exception", "ValueError: out of luck")),
    ("raise KeyboardInterrupt", ("failed", "interrupted", "KeyboardInterrupt")),
]


def run_as(way: str, folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code as a script, a module or a command, in a folder of its own."""
    arguments = {"script": ["task.py"], "-c": ["-c", code], "-m": ["-m", "task"]}[way]
    folder.mkdir(exist_ok=True)
    (folder / "task.py").write_text(code)
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("end", "expected"), ENDS, ids=[end for end, _ in ENDS])
def test_a_run_that_is_not_closed_ends_as_the_process_does(
    server: Server, tmp_path: Path, way: str, end: str, expected: tuple[str, str | None, str | None]
) -> None:
    code = "import sys; print('begun', flush=True)\n{}\ndef train():\n    " + end + "\ntrain()\n"
    folder = tmp_path / "task"
    plain = run_as(way, folder, code.format("pass"))
    tracked = run_as(way, folder, code.format(OPENS))
    assert (tracked.returncode, tracked.stdout, tracked.stderr) == (plain.returncode, plain.stdout, plain.stderr)
    assert reason_of(server, (folder / "id").read_text()) == expected


CAUGHT = [
    "try:\n    sys.exit(3)\nexcept SystemExit:\n    pass",
    "try:\n    sys.exit('no data')\nexcept SystemExit:\n    pass\nsys.exit(0)",
    "thread = threading.Thread(target=sys.exit, args=('a thread',))\nthread.start()\nthread.join()",
]


@pytest.mark.parametrize("end", CAUGHT)
def test_an_exit_that_is_caught_is_none(server: Server, script: Script, end: str) -> None:
    done = script(f"import sys, threading\n{OPENS}\n{end}\n")
    assert (done.code, done.err) == (0, "")
    assert reason_of(server, (script.folder / "id").read_text()) == SUCCEEDED


def test_a_text_of_an_earlier_exit_is_not_taken_for_the_last(server: Server, script: Script) -> None:
    done = script(f"import sys\n{OPENS}\ntry:\n    sys.exit('old')\nexcept SystemExit:\n    pass\nsys.exit(7)\n")
    assert done.code == 7
    run = (script.folder / "id").read_text()
    assert reason_of(server, run) == ("failed", "exit_code", "exit code 7")


def test_a_hook_for_exceptions_of_the_users_own_stays(server: Server, script: Script) -> None:
    done = script(f"import sys\n{OPENS}\nsys.excepthook = lambda *error: print('hook', error[1])\n1 / 0\n")
    assert (done.code, done.out, done.err) == (1, "hook division by zero\n", "")
    run = (script.folder / "id").read_text()
    assert reason_of(server, run) == ("failed", "exception", "ZeroDivisionError: division by zero")


def test_many_runs_end_with_the_exit_code(server: Server, script: Script) -> None:
    done = script(
        """
        import sys
        from runstone import Run
        runs = [Run() for _ in range(10)]
        for run in runs[:5]:
            run.track(1.0, name="x", step=0)
        runs[0].close()
        print(*[run.hash for run in runs], flush=True)
        sys.exit(9)
        """
    )
    assert (done.code, done.err) == (9, "")
    first, *others = done.out.split()
    assert reason_of(server, first) == SUCCEEDED
    assert {reason_of(server, run) for run in others} == {("failed", "exit_code", "exit code 9")}


def test_what_is_tracked_after_our_exit_handler_is_kept(server: Server, script: Script) -> None:
    done = script(
        f"""
        import atexit
        atexit.register(lambda: run.track(2.0, name="x", step=1))
        {OPENS}
        """
    )
    assert (done.code, done.err) == (0, "")
    run = (script.folder / "id").read_text()
    assert server.points(run, "x").values == [1, 2]
    assert reason_of(server, run) == SUCCEEDED


@pytest.mark.parametrize("options", [(), ("-W", "error"), ("-W", "ignore")])
def test_what_is_not_delivered_at_the_end_is_told_as_warnings_are(script: Script, options: tuple[str, ...]) -> None:
    done = script(
        "import sys\nfrom runstone import Run\nrun = Run()\nrun.track(1.0, name='x')\nsys.exit(3)\n", *options
    )
    assert done.code == 3
    assert done.err.count("not delivered") == (0 if "ignore" in options else 1)


def test_a_child_that_exits_leaves_the_run_of_its_parent_open(server: Server, script: Script) -> None:
    done = script(
        f"""
        import os, sys
        {OPENS}
        child = os.fork()
        if child == 0:
            sys.exit(3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        run.track(2.0, name="x", step=1)
        """,
        "-W",
        "ignore::DeprecationWarning",
    )
    assert (done.code, done.err) == (0, "")
    run = (script.folder / "id").read_text()
    assert server.points(run, "x").values == [1, 2]
    assert reason_of(server, run) == SUCCEEDED


def test_the_exit_of_the_interpreter_is_called_as_ever(home: Path) -> None:
    code = """
    import pickle, sys
    from runstone import Run
    Run(mode="offline").close()
    assert sys.exit.__name__ == "exit" and sys.exit.__module__ == "sys" and sys.exit.__doc__
    assert pickle.loads(pickle.dumps(sys.exit)) is sys.exit
    for arguments, code in [((), None), ((None,), None), ((3,), 3), (("text",), "text"), (((1, 2),), (1, 2))]:
        try:
            sys.exit(*arguments)
        except SystemExit as exit:
            assert exit.code == code, (exit.code, code)
    try:
        sys.exit(1, 2)
    except TypeError:
        print("as ever")
    """
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.stdout, done.stderr) == ("as ever\n", "")
