#!/usr/bin/env bash
# Deploys the shop.
#
# Usage: deploy.sh HOST

set -euo pipefail

LIMIT=10 # a trailing comment

# Prints an error
# and stops.
die() {
  echo "ünï: $1" >&2
  exit 1
}

function build {
  make all
}

# shellcheck disable=SC2034
function upload() (
  inner() { echo 1; }
  scp "$1" "$2" <<EOF
not() { code; }
EOF
)

if [[ $# -lt 1 ]]; then
  die "no host"
fi

case "$1" in
  prod) upload a b ;;
esac

broken() {
  if [ ; then
  fi
}

after_the_error() {
  return 0
}
