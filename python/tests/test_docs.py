"""The examples of the README and the guide run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Script, Server

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide"
EXAMPLES = [
    pytest.param(code, id=f"{page.stem}-{number}")
    for page in (ROOT / "README.md", GUIDE / "quickstart.md", GUIDE / "tracking.md")
    for number, code in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE), 1)
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_of_the_guide_runs(server: Server, script: Script, code: str) -> None:
    done = script(code, environment={"PYTHONWARNINGS": "ignore"})
    assert done.code == 0, done.err
