"""Forks, workers, threads, pickles, many runs: each process has a writer of its own and no point is lost."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path

import pytest
from conftest import Script, Server

from runstone import Run

WORKER = """
def work(run, rank):
    for step in range(2000):
        run.track(rank, name="rank", step=step, context={"rank": rank})
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_multiprocessing(server: Server, script: Script, tmp_path: Path, method: str) -> None:
    (tmp_path / "worker.py").write_text(WORKER)
    done = script(
        f"""
        import multiprocessing
        from runstone import Run
        from worker import work

        if __name__ == "__main__":
            context = multiprocessing.get_context("{method}")
            with Run(experiment="workers") as run:
                run.track(-1, name="rank", step=0, context={{"rank": -1}})
                workers = [context.Process(target=work, args=(run, rank)) for rank in range(3)]
                for worker in workers:
                    worker.start()
                for worker in workers:
                    worker.join()
                print([worker.exitcode for worker in workers])
                work(run, -1)
            print(run.hash)
        """,
        "-W",
        "ignore::DeprecationWarning",
    )
    codes, run = done.out.strip().splitlines()
    assert codes == "[0, 0, 0]", done.err
    for rank in range(-1, 3):
        points = server.points(run, "rank", {"rank": rank})
        assert points.steps == list(range(2000))
        assert points.values == [rank] * 2000
    detail = server.run(run)
    assert detail["state"] == "succeeded"
    assert len(detail["writers"]) == 4
    assert [writer["primary"] for writer in detail["writers"]].count(True) == 1
    # Workers end their writers too.
    assert {writer["end"]["kind"] for writer in detail["writers"]} == {"closed"}


def test_a_worker_that_fails_does_not_end_the_run(server: Server, script: Script) -> None:
    done = script(
        """
        import multiprocessing
        from runstone import Run

        def work(run):
            run.track(1.0, name="x", step=0)
            raise ValueError("worker")

        with Run() as run:
            worker = multiprocessing.get_context("fork").Process(target=work, args=(run,))
            worker.start()
            worker.join()
        print(worker.exitcode, run.hash)
        """,
        "-W",
        "ignore::DeprecationWarning",
    )
    code, run = done.out.split()
    assert code == "1"
    detail = server.run(run)
    assert detail["state"] == "succeeded"
    secondary = next(writer for writer in detail["writers"] if not writer["primary"])
    assert secondary["end"]["reason"]["text"] == "ValueError: worker"


@pytest.mark.parametrize(
    "fork", ["os.fork()", "ctypes.PyDLL(None).fork()", "ctypes.PyDLL(None).syscall(57)"], ids=["os", "c", "raw"]
)
def test_both_sides_of_a_fork_go_on(server: Server, script: Script, fork: str) -> None:
    done = script(
        f"""
        import ctypes, os, platform, sys
        from runstone import Run
        if "syscall" in {fork!r} and platform.machine() != "x86_64":
            print("skip"); sys.exit()
        run = Run()
        for step in range(100):
            run.track(step, name="before", step=step)
        child = {fork}
        side = "child" if child == 0 else "parent"
        for step in range(1000):
            run.track(step, name=side, step=step, context={{"side": side}})
            run.track(step, name="shared", step=step + (1000 if child == 0 else 0))
        if child == 0:
            report = run.flush(20)
            os._exit(0 if report.complete else 1)
        _, status = os.waitpid(child, 0)
        run.close()
        print(run.hash, status)
        """,
        "-W",
        "ignore::DeprecationWarning",
    )
    if done.out.strip() == "skip":
        pytest.skip("the number of the call is another on this machine")
    run, status = done.out.split()
    assert status == "0"
    assert server.points(run, "before").values == list(range(100))
    for side in ("child", "parent"):
        assert server.points(run, side, {"side": side}).values == list(range(1000))
    assert server.points(run, "shared").steps == list(range(2000))
    assert len(server.run(run)["writers"]) == 2


def test_a_child_that_never_tracks_opens_nothing(server: Server, script: Script) -> None:
    done = script(
        """
        import os, sys
        from runstone import Run
        run = Run()
        run.track(1.0, name="x", step=0)
        child = os.fork()
        if child == 0:
            sys.exit(0)
        os.waitpid(child, 0)
        run.track(2.0, name="x", step=1)
        run.close()
        print(run.hash)
        """,
        "-W",
        "ignore::DeprecationWarning",
    )
    run = done.out.strip().splitlines()[-1]
    detail = server.run(run)
    assert len(detail["writers"]) == 1
    assert detail["state"] == "succeeded"
    assert server.points(run, "x").values == [1, 2]


def test_forks_of_forks_with_busy_threads(server: Server, script: Script) -> None:
    done = script(
        """
        import os, threading
        from runstone import Run
        run = Run()
        stop = threading.Event()

        def busy(index):
            step = 0
            while not stop.is_set():
                run.track(step, name="busy", step=step, context={"thread": index})
                step += 1

        threads = [threading.Thread(target=busy, args=(index,), daemon=True) for index in range(3)]
        for thread in threads:
            thread.start()
        children = []
        for index in range(10):
            child = os.fork()
            if child == 0:
                run.track(index, name="child", step=index)
                grandchild = os.fork()
                if grandchild == 0:
                    run.track(index, name="grandchild", step=index)
                    os._exit(0 if run.flush(30).complete else 1)
                status = os.waitpid(grandchild, 0)[1]
                os._exit(0 if run.flush(30).complete and status == 0 else 1)
            children.append(child)
        print([os.waitpid(child, 0)[1] for child in children])
        stop.set()
        for thread in threads:
            thread.join()
        run.close()
        print(run.hash)
        """,
        "-W",
        "ignore::DeprecationWarning",
        timeout=120,
    )
    statuses, run = done.out.strip().splitlines()
    assert statuses == str([0] * 10)
    assert server.points(run, "child").values == list(range(10))
    assert server.points(run, "grandchild").values == list(range(10))


def test_many_threads_share_a_run(server: Server) -> None:
    def work(index: int) -> None:
        context = {"thread": index}
        for step in range(3000):
            run.track(float(step), name="x", step=step, context=context)
            if step % 100 == 0:
                run[f"progress.{index}"] = step

    with Run() as run:
        threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for index in range(8):
        assert server.points(run.hash, "x", {"thread": index}).values == list(range(3000))


def test_a_pickle_is_a_way_to_the_run(server: Server) -> None:
    with Run(experiment="pickled", name="one", strict=True, tags=["a"], token="secret-token") as run:
        run.track(1.0, name="x", step=0)
        text = pickle.dumps(run)
        assert b"secret-token" not in text
        other = pickle.loads(text)
        assert other.hash == run.hash
        other.track(2.0, name="x", step=1)
        other["from"] = "pickle"
        other.close()
        assert not run.closed
        run.track(3.0, name="x", step=2)
    assert server.points(run.hash, "x").values == [1, 2, 3]
    detail = server.run(run.hash)
    assert (detail["name"], detail["tags"], detail["params"]) == ("one", ["a"], {"from": "pickle"})
    assert [writer["primary"] for writer in detail["writers"]] == [True, False]


def test_a_thousand_runs_in_one_process(server: Server, script: Script) -> None:
    done = script(
        """
        import json, os, threading
        from runstone import Run
        runs = [Run(experiment="thousand", name=f"run {index}") for index in range(1000)]
        for step in range(20):
            for index, run in enumerate(runs):
                run.track(index, name="x", step=step)
        threads = len(os.listdir("/proc/self/task"))
        for run in runs:
            run.close()
        print(json.dumps({"threads": threads, "runs": [run.hash for run in runs]}))
        """,
        timeout=240,
    )
    assert done.code == 0, done.err
    result = done.json
    assert result["threads"] < 10
    for index in (0, 1, 500, 999):
        assert server.points(result["runs"][index], "x").values == [index] * 20


def test_runs_know_each_other_apart(server: Server) -> None:
    # The same literals in two runs: what is remembered of one must not be used for the other.
    with Run() as one, Run() as two:
        two.track(5.0, name="other", step=0)
        for step in range(10):
            one.track(1.0, name="x", step=step)
            two.track(2.0, name="x", step=step)
    assert server.points(one.hash, "x").values == [1] * 10
    assert server.points(two.hash, "x").values == [2] * 10
