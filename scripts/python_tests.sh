#!/usr/bin/env bash
# Tests of the Python package against the real server: builds both, installs the package into the
# development environment, runs pytest with what is given. PYTHON chooses the interpreter; with
# RUNSTONE_VENV=venv-3.13 it gets an environment of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${RUNSTONE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
export RUNSTONE_BINARY=${RUNSTONE_BINARY:-$CARGO_TARGET_DIR/ci/runstone}

[ -n "${RUNSTONE_BINARY_BUILT:-}" ] || scripts/web.sh
[ -n "${RUNSTONE_BINARY_BUILT:-}" ] || cargo build --profile ci --quiet -p runstone-cli
scripts/python_build.sh
exec scripts/venv.sh python -m pytest -c python/pyproject.toml --rootdir python python/tests "$@"
