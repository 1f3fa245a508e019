"""Log records: levels, the caller's place, extra arguments, and what can't be kept."""

from __future__ import annotations

import math

import pytest
from conftest import Server

from runstone import InvalidError, Run, RunstoneWarning


def test_records_carry_level_place_and_extra_arguments(server: Server) -> None:
    with Run() as run:
        run.log_debug("one")
        run.log_info("two", loss=0.5, worst=math.inf, hparams={"lr": 1})
        run.log_warning("three")
        run.log_error("four é")
    page = server.get(f"runs/{run.hash}/records")
    records = page["records"]
    assert [(record["level"], record["message"]) for record in records] == [
        (10, "one"),
        (20, "two"),
        (30, "three"),
        (40, "four é"),
    ]
    assert records[1]["extra"] == {"loss": 0.5, "worst": "Infinity", "hparams": {"lr": 1}}
    assert "extra" not in records[0]
    assert all(record["file"] == __file__ for record in records)
    lines = [record["source_line"] for record in records]
    assert lines == list(range(lines[0], lines[0] + 4))
    graver = server.get(f"runs/{run.hash}/records", level="warning")["records"]
    assert [record["message"] for record in graver] == ["three", "four é"]
    assert page["next_cursor"] is None


def test_what_can_not_be_logged_is_told_and_raised_when_strict(server: Server) -> None:
    with Run() as run:
        with pytest.warns(RunstoneWarning, match="message of a log record"):
            run.log_info(["no text"])  # type: ignore[arg-type]
        run.log_info("kept")
    records = server.get(f"runs/{run.hash}/records")["records"]
    assert [record["message"] for record in records] == ["kept"]
    with Run(strict=True) as strict, pytest.raises(InvalidError):
        strict.log_info("long", text="x" * 70_000)
