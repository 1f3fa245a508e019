#!/usr/bin/env bash
# Seeded kills of client, server and both, CHAOS_KILLS of them (2,000 unless told).
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone/target}
export RUNSTONE_CHAOS_KILLS=${CHAOS_KILLS:-2000}
[ -z "${CHAOS_SEED:-}" ] || export RUNSTONE_CHAOS_SEED=$CHAOS_SEED
cargo build --profile ci --quiet -p runstone-cli -p runstone-e2e --bins
exec cargo test --profile ci -p runstone-e2e --test main -- --nocapture kills::
