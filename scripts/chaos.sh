#!/usr/bin/env bash
# Seeded kills, CHAOS_KILLS of each kind (2,000 unless told): of client, server and both, and of a store that
# appends, folds, purges and vacuums.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone/target}
export RUNSTONE_CHAOS_KILLS=${CHAOS_KILLS:-2000}
[ -z "${CHAOS_SEED:-}" ] || export RUNSTONE_CHAOS_SEED=$CHAOS_SEED
# The selection of `make test`, so that nothing is built twice; only the kills are run.
exec cargo test --profile ci --workspace --exclude runstone-python --test main -- --nocapture kills::
