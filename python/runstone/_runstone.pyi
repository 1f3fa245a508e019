"""Types of the compiled module. The documentation is on the objects: ``help(runstone.Run)``."""

from collections.abc import Iterable, Mapping
from os import PathLike
from types import TracebackType
from typing import Any, Literal, SupportsFloat, SupportsIndex, TypeAlias, final

from typing_extensions import Self

_Number: TypeAlias = SupportsFloat | SupportsIndex

__version__: str

@final
class FlushReport:
    """What happened to the points of a run up to now."""

    @property
    def complete(self) -> bool:
        """Everything logged before the call is acknowledged."""
    @property
    def acknowledged(self) -> int:
        """Points acknowledged by the server."""
    @property
    def refused(self) -> int:
        """Points refused, here or by the server."""
    @property
    def dropped(self) -> int:
        """Points dropped for want of room."""
    @property
    def pending(self) -> int:
        """Points in the spool, still to be sent."""
    @property
    def reached(self) -> bool:
        """The server has answered lately."""

@final
class CloseReport:
    """What `Run.close` found when it returned."""

    @property
    def delivered(self) -> bool:
        """Everything is acknowledged, the end of the run included."""
    @property
    def acknowledged(self) -> int:
        """Points acknowledged by the server."""
    @property
    def refused(self) -> int:
        """Points refused, here or by the server."""
    @property
    def dropped(self) -> int:
        """Points dropped for want of room."""
    @property
    def pending(self) -> int:
        """Points in the spool, still to be sent."""
    @property
    def folder(self) -> str | None:
        """Where the rest lies, when there is a rest and it is on disk."""
    @property
    def command(self) -> str | None:
        """What to run to deliver the rest."""

@final
class Run:
    """One trial: a writer to a new or a resumed run."""

    def __new__(
        cls,
        run_hash: str | None = None,
        *,
        repo: str | None = None,
        frontier_url: str | None = None,
        read_only: bool = False,
        experiment: str | None = None,
        force_resume: bool = False,
        system_tracking_interval: float | bool | None = None,
        log_system_params: bool | None = None,
        capture_terminal_logs: bool | None = None,
        name: str | None = None,
        description: str | None = None,
        config: object | None = None,
        tags: Iterable[str] | None = None,
        group: str | None = None,
        job_type: str | None = None,
        seed: SupportsIndex | None = None,
        rerun_of: str | None = None,
        fork_from: str | None = None,
        fork_step: _Number | None = None,
        rank: int | None = None,
        mode: Literal["online", "offline", "disabled"] | None = None,
        strict: bool = False,
        token: str | None = None,
        spool: str | PathLike[str] | None = None,
        on_full: Literal["drop", "wait"] = "drop",
        spool_bytes_max: int | None = None,
    ) -> Self: ...
    @property
    def hash(self) -> str:
        """Id of the run."""
    @property
    def name(self) -> str | None:
        """Name of the run; asks the server for a resumed run."""
    @name.setter
    def name(self, name: str | None) -> None: ...
    @property
    def description(self) -> str | None:
        """Description of the run; asks the server for a resumed run."""
    @description.setter
    def description(self, description: str | None) -> None: ...
    @property
    def experiment(self) -> str:
        """Name of the run's experiment; setting it moves the run."""
    @experiment.setter
    def experiment(self, experiment: str) -> None: ...
    @property
    def archived(self) -> bool:
        """Kept, and left out of lists."""
    @archived.setter
    def archived(self, archived: bool) -> None: ...
    @property
    def tags(self) -> list[str]:
        """Tags of the run, sorted."""
    @property
    def params(self) -> dict[str, Any]:
        """All params of the run, as a dict of its own."""
    @property
    def closed(self) -> bool:
        """Whether the run is closed in this process."""
    def track(
        self,
        value: _Number | Mapping[str, _Number],
        name: str | None = None,
        step: _Number | None = None,
        epoch: _Number | None = None,
        *,
        context: Mapping[str, object] | None = None,
    ) -> None:
        """Log one value of a metric, or several at once."""
    def log(
        self,
        metrics: Mapping[str, _Number],
        step: _Number | None = None,
        epoch: _Number | None = None,
        *,
        context: Mapping[str, object] | None = None,
    ) -> None:
        """Log several metrics at one step."""
    def add_tag(self, tag: str) -> None:
        """Add a tag."""
    def remove_tag(self, tag: str) -> None:
        """Remove a tag."""
    def set(self, key: str, value: object, *, replace: bool = False) -> None:
        """Set a param; a dict is merged unless `replace` is given."""
    def get(self, key: str, default: Any = None) -> Any:
        """Param at `key`, or `default`."""
    def __getitem__(self, key: str) -> Any: ...
    def __setitem__(self, key: str, value: object) -> None: ...
    def __delitem__(self, key: str) -> None: ...
    def __contains__(self, key: str) -> bool: ...
    def define_metric(
        self,
        name: str,
        *,
        goal: Literal["min", "max"] | None = None,
        unit: str | None = None,
        default_x: str | None = None,
    ) -> None:
        """Say what is good for a metric, for all runs of the experiment."""
    def log_debug(self, message: str, /, **extra: object) -> None:
        """Log a detail: a record of level debug, with the file and line of this call."""
    def log_info(self, message: str, /, **extra: object) -> None:
        """Log a message: a record of level info, with the file and line of this call."""
    def log_warning(self, message: str, /, **extra: object) -> None:
        """Log a warning: a record of level warning, with the file and line of this call."""
    def log_error(self, message: str, /, **extra: object) -> None:
        """Log an error: a record of level error, with the file and line of this call."""
    def remove(
        self,
        name: str,
        *,
        context: Mapping[str, object] | None = None,
        step: _Number | None = None,
    ) -> None:
        """Remove a series, or what it has at one step; it stays in the history of the run."""
    def remove_all(self, *, step: _Number | None = None) -> None:
        """Remove all series of the run, or what they have at one step."""
    def rewind(self, to_step: _Number) -> None:
        """Go back to a step: points at or past it show no more, what is logged next takes their place."""
    @classmethod
    def fork(cls, parent: Run | str, at_step: _Number, **options: object) -> Self:
        """Begin a new run with the points of another one up to a step, that included."""
    def flush(self, timeout: float | None = 10.0) -> FlushReport:
        """Wait until all that was logged before is acknowledged."""
    def close(self, *, timeout: float | None = 10.0, failed: str | None = None) -> CloseReport:
        """End the run and wait a little for the server."""
    def finish(self, *, timeout: float | None = 10.0, failed: str | None = None) -> CloseReport:
        """Do the same as `close`."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> Literal[False]: ...
