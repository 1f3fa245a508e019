"""The durable record of every run.

A script logs to a `Run`; what it wrote survives the process, the network and the server::

    from runstone import Run

    with Run(experiment="digits", config={"lr": 0.05}) as run:
        for step in range(1000):
            run.track(loss, name="loss", step=step, context={"subset": "train"})

`runstone up` starts the server, `runstone runs` shows what is there.
"""

from runstone._runstone import CloseReport, FlushReport, Run, __version__
from runstone.errors import (
    ConflictError,
    CorruptError,
    InternalError,
    InvalidError,
    NotFoundError,
    RunstoneError,
    RunstoneWarning,
    UnavailableError,
)

__all__ = [
    "CloseReport",
    "ConflictError",
    "CorruptError",
    "FlushReport",
    "InternalError",
    "InvalidError",
    "NotFoundError",
    "Run",
    "RunstoneError",
    "RunstoneWarning",
    "UnavailableError",
    "__version__",
]
