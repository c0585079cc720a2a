#!/usr/bin/env bash
# Make a virtual environment of the locked Python version, unless it is there, runs and can be moved: it may lie behind a
# link to a cache, and is used from other places than the one that it was made in.
set -euo pipefail
mkdir -p "$1"
folder=$(cd -P "$1" && pwd) version=$2

if grep -qs '^relocatable = true$' "$folder/pyvenv.cfg" && "$folder/bin/python" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" >/dev/null 2>&1; then
  exit 0
fi
if ! "$UV" python find --quiet --system "$version" >/dev/null 2>&1; then
  echo "setup: Python $version was not found on this machine. Install it (pyenv install $version, brew install python@$version," >&2
  echo "setup: apt install python$version-venv or uv python install $version) and run 'make setup' again." >&2
  exit 1
fi
"$UV" venv --quiet --clear --relocatable --python "$version" "$folder"
