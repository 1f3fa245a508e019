#!/usr/bin/env bash
# All tests, after the gates: units, conformance, real binary, real package, seeded kills.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone/target}

step() { printf '\n== %s\n' "$*"; }

step "web: units, sizes, and the pages that the binary embeds"
scripts/web.sh
(cd web && npm run --silent test)
step "moto: the S3 server that the tests of blobs start"
scripts/moto.sh
step "rust: units, conformance, model tests, end to end, seeded kills"
# One selection of packages, so that nothing is built twice; it builds the binaries under test too.
cargo test --profile ci --workspace --exclude runstone-python
step "python: the package against the real server"
RUNSTONE_BINARY_BUILT=1 scripts/python_tests.sh
step "browser: the pages against the real server and scripts"
RUNSTONE_BINARY_BUILT=1 scripts/browser_tests.sh
