#!/usr/bin/env bash
# All tests, after the gates: units, conformance, real binary, real package, seeded kills.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone/target}

step() { printf '\n== %s\n' "$*"; }

# One selection of packages, so that nothing is built twice; it builds the binaries under test too.
step "rust: units, conformance, model tests, end to end, seeded kills"
cargo test --profile ci --workspace --exclude runstone-python
step "python: the package against the real server"
RUNSTONE_BINARY_BUILT=1 scripts/python_tests.sh
