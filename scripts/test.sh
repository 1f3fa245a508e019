#!/usr/bin/env bash
# All tests, after the gates: units, conformance, real binary, real package, seeded kills.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone/target}

step() { printf '\n== %s\n' "$*"; }

step "build what the tests run"
cargo build --profile ci --quiet -p runstone-cli -p runstone-e2e --bins
step "rust: units, conformance, model tests, end to end, seeded kills"
cargo test --profile ci --workspace --exclude runstone-python
step "python: the package against the real server"
scripts/python_tests.sh
