#!/usr/bin/env bash
# Install the locked Node packages into a folder that may be a link to a cache: npm itself would replace the link.
set -euo pipefail
folder=$1 scratch=build/node

if ! npm --version >/dev/null 2>&1; then
  echo "setup: npm was not found. Install Node.js 22 or later (the CDK command line needs it) and run 'make setup' again." >&2
  exit 1
fi
rm -rf "$scratch"
mkdir -p "$scratch" "$folder"
cp package.json package-lock.json "$scratch"
npm ci --silent --no-audit --no-fund --prefix "$scratch"
find -H "$folder" -mindepth 1 -delete
cp -a "$scratch/node_modules/." "$folder"
rm -rf "$scratch"
