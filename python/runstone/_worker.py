"""Ends runs with the work of a `multiprocessing` worker, while its exception is still known.

Loaded in workers only. Python 3.13 and newer run finalizers of workers after the exception is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.process import BaseProcess


def end_with(process: BaseProcess, end_runs: Callable[[], None]) -> None:
    """Wrap the work of this worker: when it returns or raises, its runs end so."""
    work = process.run

    def work_and_end() -> None:
        try:
            work()
        except BaseException:
            # The exception is what the runs end with.
            end_runs()
            raise
        end_runs()

    process.run = work_and_end
