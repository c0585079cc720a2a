#!/usr/bin/env bash
# Keep build/review.md as the one comment of ours on a pull request: written once, brought up to date from then on.
set -euo pipefail
file=build/review.md marker='<!-- retide: review -->'
most=65536 # characters that GitHub takes in a comment

if [ -z "${PULL_REQUEST:-}" ]; then
  echo "review-comment: PULL_REQUEST is not set: give the number of the pull request, and GH_REPO as owner/name" >&2
  exit 1
fi
if [ ! -s "$file" ]; then
  echo "review-comment: there is no $file: run 'make review BASE=…' first" >&2
  exit 1
fi
body=$(printf '%s\n%s' "$marker" "$(cat "$file")")
if [ "${#body}" -gt "$most" ]; then
  echo "review-comment: $file has ${#body} characters, and a comment takes $most" >&2
  exit 1
fi
comments="repos/{owner}/{repo}/issues/$PULL_REQUEST/comments"
mine=".[] | select(.user.login == \"github-actions[bot]\" and (.body | startswith(\"$marker\"))) | .id"
id=$(gh api --paginate "$comments" --jq "$mine" | sed -n 1p)
if [ -n "$id" ]; then
  gh api --silent --method PATCH "repos/{owner}/{repo}/issues/comments/$id" --raw-field body="$body"
else
  gh api --silent --method POST "$comments" --raw-field body="$body"
fi
echo "review-comment: pull request $PULL_REQUEST has it"
