"""How runs end: closed, by an exception, by the end of the interpreter. The exit code never changes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from conftest import NOBODY, Script, Server, find_binary

from runstone import Run


def reason_of(server: Server, run: str) -> tuple[str, str | None, str | None]:
    detail = server.run(run)
    reason = detail["reason"] or {"code": None, "text": None}
    return detail["state"], reason["code"], reason["text"]


def test_a_run_that_is_closed_has_succeeded(server: Server) -> None:
    run = Run()
    first = run.close()
    assert first.delivered
    assert run.finish().delivered
    assert reason_of(server, run.hash) == ("succeeded", None, None)


def test_a_run_may_be_closed_as_failed(server: Server) -> None:
    run = Run()
    run.close(failed="loss is NaN")
    assert reason_of(server, run.hash) == ("failed", "exception", "loss is NaN")


def test_an_exception_ends_the_run_as_failed(server: Server) -> None:
    def train() -> None:
        with Run() as run:
            seen.append(run.hash)
            raise ValueError("loss is NaN\nat step 3")

    seen: list[str] = []
    with pytest.raises(ValueError, match="loss is NaN"):
        train()
    assert reason_of(server, seen[0]) == ("failed", "exception", "ValueError: loss is NaN\nat step 3")


def test_ctrl_c_ends_the_run_as_interrupted(server: Server) -> None:
    run = Run()
    with pytest.raises(KeyboardInterrupt), run:
        raise KeyboardInterrupt
    state, code, _ = reason_of(server, run.hash)
    assert (state, code) == ("failed", "interrupted")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (None, ("succeeded", None, None)),
        (0, ("succeeded", None, None)),
        (3, ("failed", "exit_code", "exit code 3")),
        ("no data", ("failed", "exit_code", "exit code 1: no data")),
    ],
)
def test_sys_exit_ends_the_run_by_its_code(
    server: Server, code: int | str | None, expected: tuple[str, str | None, str | None]
) -> None:
    run = Run()
    with pytest.raises(SystemExit), run:
        sys.exit(code)
    assert reason_of(server, run.hash) == expected


UNCLOSED = """
from runstone import Run
run = Run()
print(run.hash, flush=True)
for step in range(100):
    run.track(1.0, name="x", step=step)
"""


def test_a_run_that_is_not_closed_ends_with_the_interpreter(server: Server, script: Script) -> None:
    done = script(UNCLOSED)
    assert (done.code, done.err) == (0, "")
    run = done.out.strip()
    assert reason_of(server, run) == ("succeeded", None, None)
    assert len(server.points(run, "x").steps) == 100


def test_a_run_that_is_not_closed_fails_with_the_script(server: Server, script: Script) -> None:
    done = script(UNCLOSED + "raise RuntimeError('out of luck')\n")
    assert done.code == 1
    assert reason_of(server, done.out.strip()) == ("failed", "exception", "RuntimeError: out of luck")


def test_a_run_that_went_out_of_scope_ends_with_the_interpreter(server: Server, script: Script) -> None:
    done = script(
        """
        import gc
        from runstone import Run
        def train():
            run = Run()
            run.track(1.0, name="x", step=0)
            return run.hash
        name = train()
        gc.collect()
        print(name)
        """
    )
    assert reason_of(server, done.out.strip()) == ("succeeded", None, None)


@pytest.mark.parametrize("url", [NOBODY, ""])
@pytest.mark.parametrize(
    ("end", "code"),
    [("", 0), ("sys.exit(7)", 7), ("os._exit(3)", 3), ("1 / 0", 1), ("os.kill(os.getpid(), 15)", -15)],
)
def test_the_exit_code_never_changes(server: Server, script: Script, end: str, code: int, url: str) -> None:
    environment = {"RUNSTONE_URL": url} if url else {}
    done = script(f"import os, sys\n{UNCLOSED}\n{end}", environment=environment)
    assert done.code == code


def test_tracking_while_the_interpreter_goes_away_is_harmless(server: Server, script: Script) -> None:
    done = script(
        """
        import atexit, threading, time
        from runstone import Run
        run = Run()
        print(run.hash, flush=True)

        def track_on():
            while True:
                run.track(1.0, name="thread")

        class Late:
            def __del__(self):
                run.track(1.0, name="late", step=0)

        late = Late()
        atexit.register(lambda: run.track(1.0, name="atexit", step=0))
        threading.Thread(target=track_on, daemon=True).start()
        time.sleep(0.05)
        """,
        "-W",
        "ignore",
    )
    assert done.code == 0
    assert "Traceback" not in done.err
    assert server.points(done.out.strip(), "atexit").values == [1]


def test_kill_loses_nothing(server: Server, script: Script) -> None:
    done = script(
        """
        import os, signal
        from runstone import Run
        run = Run()
        print(run.hash, flush=True)
        for step in range(5000):
            run.track(step, name="x", step=step)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    assert done.code == -signal.SIGKILL
    # The next run of the same home delivers what the dead one left.
    with Run() as run:
        run.track(1.0, name="y", step=0)
        deliver(server, done.out.strip())
    assert server.points(done.out.strip(), "x").values == list(range(5000))


def deliver(server: Server, run: str) -> None:
    """Delivers what is left in the home of this test."""
    subprocess.run([find_binary(), "sync", "--json"], check=True, capture_output=True, timeout=60)
    assert json.dumps(server.run(run))


def test_interrupting_a_flush_gives_control_back(script: Script) -> None:
    # A server that never answers: the listening socket of this process accepts and stays silent.
    done = script(
        """
        import os, signal, socket, threading, time
        from runstone import Run
        silent = socket.create_server(("127.0.0.1", 0))
        run = Run(repo=f"http://127.0.0.1:{silent.getsockname()[1]}")
        run.track(1.0, name="x", step=0)
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        try:
            run.flush(None)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        os._exit(0)
        """
    )
    assert done.out.strip() == "interrupted"


def test_the_interpreter_lock_is_free_while_a_flush_waits(script: Script) -> None:
    done = script(
        """
        import os, socket, threading
        from runstone import Run
        silent = socket.create_server(("127.0.0.1", 0))
        run = Run(repo=f"http://127.0.0.1:{silent.getsockname()[1]}")
        run.track(1.0, name="x", step=0)
        done = threading.Event()
        count = 0

        def work():
            global count
            while not done.is_set():
                count += 1

        thread = threading.Thread(target=work)
        thread.start()
        before = count
        report = run.flush(0.5)
        after = count
        done.set()
        thread.join()
        print("worked" if after > before + 1000 and not report.complete else (before, after))
        os._exit(0)
        """
    )
    assert done.out.strip() == "worked"


def test_many_runs_that_are_not_delivered_are_told_once(script: Script) -> None:
    done = script(
        """
        from runstone import Run
        runs = [Run() for _ in range(30)]
        for run in runs:
            run.track(1.0, name="x", step=0)
        """
    )
    assert done.code == 0
    assert done.err.count("not delivered") == 1
    assert "30 runs are not delivered yet" in done.err


def test_many_runs_that_are_not_closed_end_with_the_interpreter(server: Server, script: Script) -> None:
    done = script(
        """
        from runstone import Run
        runs = [Run() for _ in range(20)]
        for run in runs:
            run.track(1.0, name="x", step=0)
        print(*[run.hash for run in runs])
        """
    )
    assert (done.code, done.err) == (0, "")
    assert {reason_of(server, run)[0] for run in done.out.split()} == {"succeeded"}
