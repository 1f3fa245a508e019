"""Exceptions and the warning of the package: one root, and children that say what to do.

Tracking calls raise none of them unless the run is strict.
"""


class RunstoneError(Exception):
    """Root of all exceptions of the package."""


class InvalidError(RunstoneError, ValueError):
    """The call can never succeed as it stands; change it."""


class NotFoundError(RunstoneError, KeyError):
    """There is no such thing."""

    # A KeyError shows its message in quotes.
    __str__ = Exception.__str__


class ConflictError(RunstoneError):
    """The state forbids it: the run is closed or read-only."""


class UnavailableError(RunstoneError, ConnectionError):
    """No server, no room or no time; try again later."""


class CorruptError(RunstoneError):
    """What was read is not what was written."""


class InternalError(RunstoneError):
    """A failure of the system or a defect; please report it."""


class RunstoneWarning(UserWarning):
    """Something was refused, dropped or could not be delivered; shown once for each cause."""
