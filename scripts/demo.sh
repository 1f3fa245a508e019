#!/usr/bin/env bash
# `make demo`: builds and installs the wheel where that is needed, then runs scripts/demo.py.
# After the first time everything it needs is on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${RUNSTONE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone}
export RUNSTONE_VENV=demo-venv RUNSTONE_REQUIREMENTS=$PWD/examples/requirements.txt

(unset RUNSTONE_VENV RUNSTONE_REQUIREMENTS; scripts/wheel.sh --local)
wheel=$(ls -t dist/runstone-*.whl | head -1)
scripts/venv.sh true
wanted=$(sha256sum "$wheel")
if [ "$(cat "$cache/$RUNSTONE_VENV/.runstone" 2>/dev/null || true)" != "$wanted" ]; then
    scripts/venv.sh pip install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall "$wheel"
    echo "$wanted" >"$cache/$RUNSTONE_VENV/.runstone"
fi
exec scripts/venv.sh python scripts/demo.py "$@"
