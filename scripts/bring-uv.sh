#!/usr/bin/env bash
# Bring the pinned uv into a folder of its own, with whatever Python is at hand; the user's Python stays as it is.
set -euo pipefail
folder=$1 lock=$2

for python in python3.12 python3 python; do
  "$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1 && break
  python=
done
if [ -z "$python" ]; then
  echo "setup: no Python that runs was found on PATH. Install Python 3.12 (with its venv module) and run 'make setup' again." >&2
  exit 1
fi
if ! "$python" -m venv --clear "$folder" >/dev/null; then
  echo "setup: '$python -m venv' failed. On Debian and Ubuntu install python3-venv, or install uv yourself; then run 'make setup' again." >&2
  exit 1
fi
rm -f "$folder/bin/uv"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$lock"
