#!/bin/sh
# Writes the lock files anew from pyproject.toml; needs uv. `--upgrade` moves every version on.
set -eu
cd "$(dirname "$0")/.."

lock() {
  target=$1
  shift
  # setuptools builds the project itself, without going online again.
  echo setuptools | uv pip compile --quiet --universal --python-version 3.11 \
    --generate-hashes --no-header --no-annotate --no-emit-index-url \
    --output-file "$target" "$@" pyproject.toml - >/dev/null
}

lock deploy/requirements.lock "$@"
lock deploy/requirements-test.lock --extra test --constraint deploy/requirements.lock "$@"
