"""The real server keeps to its OpenAPI document, whatever it is asked.

Schemathesis reads the document from the server and asks each operation what the document allows, and what it
forbids. It fails for a status, content type or body that the document does not name, for a 5xx, and where
something forbidden is accepted.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import Server

from runstone import Run

ROOT = Path(__file__).resolve().parents[2]
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
]
# Left out, with the reason. `positive_data_acceptance` is no check here: a run that does not exist or a text
# that is no JSON fits the document and is refused all the same.
EXCLUDED = {
    "postFrame": "its bytes are protobuf; the conformance suite and the fuzzed frames of the server test it",
    "streamChanges": "it never ends; tests of its own read it",
}
# Asked last and by themselves, so that the others find what was logged.
MUTATIONS = ["editRun", "editRuns", "deleteRun", "undeleteRun"]
EXAMPLES_AN_OPERATION = 60


def log_runs() -> list[str]:
    """What the questions find: runs of each kind of end, contexts, NaN, params of each type."""
    config = {"lr": 0.1, "layers": [1, 2], "optimizer": {"name": "sgd", "nesterov": True, "decay": None}}
    ids: list[str] = []
    for number in range(8):
        with Run(experiment="digits", name=f"sgd-{number}", config=config, tags=["baseline"]) as run:
            for step in range(40):
                run.track(1 / (step + 1), name="loss", step=step, epoch=step // 10, context={"subset": "train"})
                run.track(float("nan") if step == 7 else step / 40, name="accuracy", step=step)
            ids.append(run.hash)
    with contextlib.suppress(RuntimeError), Run(experiment="failures", name="broken") as run:
        run.track(float("inf"), name="loss", step=0)
        raise RuntimeError("as planned")
    return ids


def configuration(ids: list[str]) -> str:
    """Words that exist, for a part of the texts that are asked for."""
    words = [*ids, "sgd-0", "sgd-1", "broken", "digits", "failures", "loss", "accuracy", "baseline", "lr"]
    contexts = ['{"subset":"train"}', "{}"]
    return f"""
[dictionaries.words]
values = {json.dumps(words)}
[dictionaries.contexts]
values = {json.dumps(contexts)}
[generation.dictionaries.string]
dictionary = "words"
probability = 0.4
[parameters]
"path.run" = {{ dictionary = "words", probability = 0.7 }}
"query.context" = {{ dictionary = "contexts", probability = 0.7 }}
"""


def test_the_server_keeps_to_its_document(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(tmp_path / "server")
    try:
        monkeypatch.setenv("RUNSTONE_URL", server.url)
        config = tmp_path / "schemathesis.toml"
        config.write_text(configuration(log_runs()))
        left_out = [*EXCLUDED, *MUTATIONS]
        ask(server, config, [word for operation in left_out for word in ("--exclude-operation-id", operation)])
        ask(server, config, [word for operation in MUTATIONS for word in ("--include-operation-id", operation)])
        assert not_stopped(server), (server.home / "server.log").read_text()[-4_000:]
    finally:
        server.stop()


def ask(server: Server, config: Path, operations: list[str]) -> None:
    """Asks these operations everything; always the same questions."""
    command = [str(ROOT / "scripts" / "venv.sh"), "schemathesis", "--config-file", str(config), "run"]
    command += [f"{server.url}/runstone/v1/openapi.json", "--url", server.url, "--no-color"]
    command += ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"]
    command += ["--generation-deterministic", "--max-examples", str(EXAMPLES_AN_OPERATION)]
    command += ["--continue-on-failure", "--no-shrink", *operations]
    environment = {
        **os.environ,
        "RUNSTONE_VENV": "venv-openapi",
        "RUNSTONE_REQUIREMENTS": str(ROOT / "python" / "requirements-openapi.txt"),
    }
    done = subprocess.run(
        command, env=environment, cwd=config.parent, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-4_000:]}"


def not_stopped(server: Server) -> bool:
    """Whether the server still answers, and panicked nowhere."""
    log = (server.home / "server.log").read_text()
    return server.get("server")["frame_versions"] != [] and "panicked" not in log
