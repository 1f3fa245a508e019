#!/usr/bin/env bash
# Installs the moto server that the tests of buckets run against, into the user's cache. The tests start it
# themselves. RUNSTONE_MOTO_PYTHON names another Python that has `moto[server]`; then nothing is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -z "${RUNSTONE_MOTO_PYTHON:-}" ] || exit 0
RUNSTONE_VENV=moto-venv RUNSTONE_REQUIREMENTS=$PWD/crates/blobs/tests/requirements-moto.txt scripts/venv.sh true || {
    echo "error: moto, the S3 server of the tests, can't be installed" >&2
    echo "hint: let pip reach its index, then run scripts/moto.sh; or RUNSTONE_MOTO_PYTHON=/path/to/python with moto[server]" >&2
    exit 1
}
