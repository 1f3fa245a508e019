#!/usr/bin/env bash
# Measurements of the release build, each beside its references in the same run. With WRITE=1 the
# page docs/reference/figures.md is written from what they printed.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone/target}
cache=${RUNSTONE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone}
export RUNSTONE_CACHE=$cache

[ -n "$(ls dist/runstone-*.whl 2>/dev/null)" ] && [ -z "$(find crates python web/src -newer "$(ls -t dist/runstone-*.whl | head -1)" -name '*.rs' -o -path 'web/src/*' -newer "$(ls -t dist/runstone-*.whl | head -1)" | head -1)" ] || scripts/wheel.sh
wheel=$(ls -t dist/runstone-*.whl | head -1)
python=${PYTHON:-python3}
venv=$cache/bench-venv
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r benches/requirements.txt
"$venv/bin/pip" install --quiet --disable-pip-version-check --force-reinstall --no-deps "$wheel"

output=$cache/bench-output.txt
exec > >(tee "$output")

step() { printf '\n== %s\n' "$*"; }
step "sizes"
ls -l "$wheel" "$venv/bin/runstone" "$venv"/lib/python3*/site-packages/runstone/_runstone*.so | awk '{print $5, $9}' | sed "s|$PWD/||; s|$venv/||"
step "spool: nanoseconds a slot"
cargo run --release --quiet -p runstone-client --example spool_figures
step "sender: points a second to a sink that only acknowledges"
cargo run --release --quiet -p runstone-client --example sender_figures
step "packs"
cargo run --release --quiet -p runstone-codec --example pack_figures
step "store"
cargo run --release --quiet -p runstone-store-sqlite --example store_figures
step "store, each sync taking 5 ms"
cargo run --release --quiet -p runstone-store-sqlite --example store_figures "" 5
step "store beside its references"
cargo run --release --quiet -p runstone-store-sqlite --example reference_figures
step "store beside its references, each sync taking 5 ms"
cargo run --release --quiet -p runstone-store-sqlite --example reference_figures "" 5
step "lines"
cargo run --release --quiet -p runstone-service --example line_figures
step "table of runs"
cargo run --release --quiet -p runstone-service --example table_figures
step "start, import, idle, latency"
"$venv/bin/python" benches/effects.py
step "throughput through Python, server on the same cores"
"$venv/bin/python" benches/throughput.py
step "training with no server beside tracking disabled"
"$venv/bin/python" benches/training.py
step "pages in a browser"
scripts/web.sh --install
RUNSTONE_BINARY=$venv/bin/runstone PYTHON=$venv/bin/python node benches/browser/pages.mjs
step "panning a chart in a browser"
node benches/browser/pan.mjs
step "calls"
home=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$home"' EXIT
RUNSTONE_HOME=$home "$venv/bin/runstone" up --json --listen 127.0.0.1:0 --data "$home/data" >"$home/ready" &
server=$!
until [ -s "$home/ready" ]; do sleep 0.05; done
url=$("$venv/bin/python" -c 'import json,sys; print(json.loads(sys.stdin.readline())["urls"][0])' <"$home/ready")
RUNSTONE_HOME=$home "$venv/bin/python" benches/calls.py "$url"
kill "$server"
[ -z "${WRITE:-}" ] || { sleep 1; python3 benches/figures.py "$output" >docs/reference/figures.md; }
