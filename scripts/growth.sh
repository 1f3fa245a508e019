#!/usr/bin/env bash
# How cost grows with what a store holds: points, runs and series at 1, 10 and 100 times. Draws
# docs/concepts/growth.svg and prints the table beside it. LARGEST=15000000 adds the largest series.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone/target}
cache=${RUNSTONE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone}

python=${PYTHON:-python3}
venv=${RUNSTONE_BENCH_VENV:-$cache/bench-venv}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r benches/requirements.txt

mkdir -p "$cache"
output=$cache/growth-output.txt
cargo build --release --quiet -p runstone-service --example growth_figures
measure() { "$CARGO_TARGET_DIR/release/examples/growth_figures" "$@"; }
: >"$output"
measure points | tee -a "$output"
measure runs | tee -a "$output"
measure series ${LARGEST:+"$LARGEST"} | tee -a "$output"
"$venv/bin/python" benches/growth.py "$output"
