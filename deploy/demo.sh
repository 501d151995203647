#!/bin/sh
# Shows tracker at work against simulated telephony platforms; needs only Python.
# Arguments go to `tracker demo`.
set -eu
cd "$(dirname "$0")/.."
. deploy/setup.sh

install deploy/requirements.lock
exec .venv/bin/tracker demo "$@"
