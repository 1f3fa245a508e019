#!/usr/bin/env bash
# `make demo`: builds the wheel if it is older than the sources, installs it with what the demo
# trains with, and runs scripts/demo.py. After the first time all it needs is on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${RUNSTONE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone}

newest_wheel() { { ls -t dist/runstone-*.whl 2>/dev/null || true; } | head -1; }
wheel=$(newest_wheel)
if [ -z "$wheel" ] || [ -n "$(find crates python web Cargo.toml Cargo.lock -type f -newer "$wheel" \
    \( -path 'web/src/*' -o -name package-lock.json -o -name '*.rs' -o -name '*.py' -o -name '*.pyi' -o -name 'Cargo.*' -o -name pyproject.toml \) \
    -not -path '*/tests/*' -not -path '*/node_modules/*' | head -1)" ]; then
    echo "building the wheel; this takes some minutes the first time"
    scripts/wheel.sh --local
    wheel=$(newest_wheel)
fi

export RUNSTONE_VENV=demo-venv RUNSTONE_REQUIREMENTS=$PWD/examples/requirements.txt
scripts/venv.sh true
installed=$cache/$RUNSTONE_VENV/.runstone
if [ "$(cat "$installed" 2>/dev/null || true)" != "$(sha256sum "$wheel")" ]; then
    scripts/venv.sh pip install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall "$wheel"
    sha256sum "$wheel" >"$installed"
fi
exec scripts/venv.sh python scripts/demo.py "$@"
