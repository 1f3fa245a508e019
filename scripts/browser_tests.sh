#!/usr/bin/env bash
# Tests of the pages in Debian's Chromium, against the real server and scripts with the real package.
# Installs the browser where there is none; the binary (with the pages in it) and the package are
# built by scripts/test.sh before. What is given is handed to vitest.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${RUNSTONE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone}
export RUNSTONE_CACHE=$cache
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
export RUNSTONE_BINARY=${RUNSTONE_BINARY:-$CARGO_TARGET_DIR/ci/runstone}

chromium=${RUNSTONE_CHROMIUM:-/usr/bin/chromium}
if [ ! -x "$chromium" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing chromium"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            chromium fonts-dejavu-core >/dev/null
    fi
    [ -x "$chromium" ] || {
        echo "error: there is no browser at $chromium" >&2
        echo "hint: apt-get install chromium, or RUNSTONE_CHROMIUM=/path/to/chromium make test" >&2
        exit 1
    }
fi
if [ -z "${RUNSTONE_BINARY_BUILT:-}" ]; then
    scripts/web.sh
    cargo build --profile ci --quiet -p runstone-cli
    scripts/python_build.sh
fi
cd web
exec npx vitest run --config vitest.browser.config.ts "$@"
