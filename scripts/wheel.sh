#!/usr/bin/env bash
# Builds dist/runstone-*.whl: the package and the command in one file, for glibc 2.28 and newer.
# With --local it links against this machine's C library, for use here only; quicker, and needs
# no zig compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${RUNSTONE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
target=$(rustc -vV | sed -n 's/^host: //p')
data=python/runstone.data/scripts
local=${1:-}

venv() { RUNSTONE_VENV=wheel-venv RUNSTONE_REQUIREMENTS=$PWD/python/requirements-wheel.txt scripts/venv.sh "$@"; }
local_venv() { RUNSTONE_VENV=wheel-local-venv RUNSTONE_REQUIREMENTS=$PWD/python/requirements-wheel-local.txt scripts/venv.sh "$@"; }

scripts/web.sh
mkdir -p "$data" dist
trap 'rm -rf python/runstone.data' EXIT
rm -f dist/runstone-*.whl
if [ "$local" = --local ]; then
    cargo build --release --quiet -p runstone-cli
    install -m 755 "$CARGO_TARGET_DIR/release/runstone" "$data/runstone"
    local_venv maturin build --quiet --release --manifest-path python/Cargo.toml \
        --compatibility linux --auditwheel skip --out dist
else
    venv cargo-zigbuild zigbuild --release --quiet --target "$target.2.28" -p runstone-cli
    install -m 755 "$CARGO_TARGET_DIR/$target/release/runstone" "$data/runstone"
    venv maturin build --quiet --release --manifest-path python/Cargo.toml \
        --zig --target "$target" --compatibility manylinux_2_28 --out dist
fi
python3 scripts/check_wheel.py dist/runstone-*.whl
