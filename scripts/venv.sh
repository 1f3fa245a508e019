#!/usr/bin/env bash
# Runs a command inside the development virtual environment, which it makes on first use and
# renews when the pinned requirements change. Lives outside the checkout. RUNSTONE_VENV and
# RUNSTONE_REQUIREMENTS name another environment, as that of the demo.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cache=${RUNSTONE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone}
venv=$cache/${RUNSTONE_VENV:-venv}
requirements=${RUNSTONE_REQUIREMENTS:-$root/python/requirements-dev.txt}
python=${PYTHON:-python3}
wanted=$(cat "$requirements" <("$python" --version) | sha256sum | cut -d' ' -f1)

mkdir -p "$cache"
exec 9>"$venv.lock"
flock 9
if [ "$(cat "$venv/.wanted" 2>/dev/null || true)" != "$wanted" ]; then
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
        echo "error: $python is too old, Runstone needs Python 3.10 or newer" >&2
        echo "hint: PYTHON=/path/to/python3.11 make test" >&2
        exit 1
    }
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
    echo "$wanted" >"$venv/.wanted"
fi
exec 9>&-
export VIRTUAL_ENV=$venv PATH=$venv/bin:$PATH
exec "$@"
