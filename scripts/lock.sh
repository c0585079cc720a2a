#!/usr/bin/env bash
# Resolve every lock again. The image's versions come first and bind the rest; no lock names a host, so any mirror serves.
set -euo pipefail

compile() {
  local name=$1
  shift
  echo "lock: requirements/$name.txt"
  "$UV" pip compile --quiet --generate-hashes --universal --python-version "$(cat .python-version)" \
    --no-emit-index-url --no-emit-find-links "$@" "requirements/$name.in" --output-file "requirements/$name.txt"
}

# The image carries a protobuf that its own converter cannot use: the only version in which the environments may differ.
shared=build/lock/image-versions.txt
mkdir -p "$(dirname "$shared")"
compile uv "$@"
compile jobs "$@"
sed -n 's/^\([a-z0-9.-]*==[^ ;]*\).*/\1/p' requirements/jobs.txt | grep -v '^protobuf==' >"$shared"
compile development --constraint "$shared" "$@"
for name in job-convert job-runtime job-boosting; do
  compile "$name" --no-deps --constraint requirements/development.txt "$@"
done
compile lambda-data --constraint requirements/development.txt "$@"
compile sdk "$@"
compile mlflow "$@"
compile xgboost "$@"
# The toolkit pins a Flask that no image carries any more, and a backport that Python 3.12 must not have.
overrides=build/lock/serving-overrides.txt
{ cat "$shared" && grep -o '^protobuf==[0-9.]*' requirements/jobs.txt && echo 'typing ; python_version < "3.5"'; } >"$overrides"
compile serving --override "$overrides" "$@"
npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --silent
