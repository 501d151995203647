# Sourced by demo.sh and test.sh from the repository's root.

say() { printf 'tracker: %s\n' "$1" >&2; }

die() {
  say "$1"
  exit 2
}

is_usable() { "$1" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
  for name in python3.13 python3.12 python3.11 python3 python; do
    if is_usable "$name"; then
      echo "$name"
      return
    fi
  done
}

# Fills .venv with what the lock file $1 names and with this project, if either changed.
install() {
  if ! is_usable .venv/bin/python; then
    python=$(find_python)
    [ -n "$python" ] || die "Python 3.11 or newer, with its venv module, is not on PATH: install it and run this again."
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
  fi
  stamp=.venv/installed-$(basename "$1")
  if ! cat "$1" pyproject.toml | cmp -s - "$stamp"; then
    say "installing what $1 names, once; this takes up to a minute"
    pip install --require-hashes --only-binary :all: --requirement "$1"
    pip install --no-deps --no-build-isolation --editable .
    cat "$1" pyproject.toml >"$stamp"
  fi
}

pip() { .venv/bin/python -m pip --quiet --disable-pip-version-check --no-input "$@"; }
