#!/usr/bin/env bash
# The gates, quick ones first. Each stops at its first failure with what to do.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone/target}

step() { printf '== %s\n' "$*"; }

step "promises"
python3 scripts/check_promises.py
step "tree: no executables, no build output, no machine paths"
python3 scripts/check_tree.py
step "rustfmt"
cargo fmt --all --check || { echo "hint: make format" >&2; exit 1; }
step "crates: edges, licences, sources, the client's tree"
python3 scripts/check_crates.py
step "python: ruff, pyright"
scripts/venv.sh ruff check python tests benches scripts crates
scripts/venv.sh ruff format --check python tests benches scripts crates || { echo "hint: make format" >&2; exit 1; }
scripts/venv.sh pyright --project python
step "web: biome, tsc, layers, licences, types of the API"
scripts/web.sh --install
(cd web && npm run --silent lint)
step "clippy, warnings denied"
cargo clippy --workspace --all-targets --profile ci --quiet -- -D warnings
