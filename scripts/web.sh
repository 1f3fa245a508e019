#!/usr/bin/env bash
# Builds the pages into $RUNSTONE_WEB_DIST (by default runstone/web/dist in the user's cache), from
# where the binary takes them. Does nothing where the sources are those of the last build.
# `scripts/web.sh --install` only installs what npm brings.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${RUNSTONE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/runstone}
export RUNSTONE_WEB_DIST=${RUNSTONE_WEB_DIST:-$cache/web/dist}
mkdir -p "$cache/web"

command -v node >/dev/null && [ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20')" = true ] || {
    echo "error: Node.js 20 or newer is needed to build the pages" >&2
    echo "hint: install it, as with apt-get install nodejs npm" >&2
    exit 1
}

exec 9>"$cache/web/lock"
flock 9
wanted=$(cat web/package-lock.json web/.npmrc <(node --version) | sha256sum | cut -d' ' -f1)
if [ "$(cat web/node_modules/.runstone 2>/dev/null || true)" != "$wanted" ]; then
    (cd web && npm ci --no-audit --no-fund --loglevel=error)
    echo "$wanted" >web/node_modules/.runstone
fi
[ "${1:-}" != --install ] || exit 0

# What the pages are made of, by content: a checkout's times tell nothing.
sources=$(cd web && find . -type f -not -path './node_modules/*' -not -path './e2e/*' -print0 | LC_ALL=C sort -z \
    | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
built=$RUNSTONE_WEB_DIST.sources
if [ "$(cat "$built" 2>/dev/null || true)" != "$sources" ] || [ ! -f "$RUNSTONE_WEB_DIST/index.html" ]; then
    rm -f "$built"
    (cd web && npm run --silent build)
    echo "$sources" >"$built"
fi
