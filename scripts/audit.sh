#!/usr/bin/env bash
# Audit every lock for known vulnerabilities; strict, because "checked nothing" must not read as "found nothing".
set -euo pipefail
audit=$1 failed=0

for lock in requirements/*.txt; do
  echo "audit: $lock"
  "$audit" --strict --progress-spinner off --disable-pip --require-hashes --requirement "$lock" || failed=1
done
exit "$failed"
