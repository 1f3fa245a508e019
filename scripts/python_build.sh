#!/usr/bin/env bash
# Builds the package with the quick profile and installs it into the development environment.
# The checkout stays clean: the package is installed as a wheel, not linked.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${RUNSTONE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
wheels=$cache/wheels-ci
mkdir -p "$wheels" python/runstone.data

rm -f "$wheels"/*.whl
scripts/venv.sh maturin build --quiet --profile ci --manifest-path python/Cargo.toml \
    --compatibility linux --auditwheel skip --out "$wheels"
scripts/venv.sh pip install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall "$wheels"/*.whl
