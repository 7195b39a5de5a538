#!/bin/sh
# Idempotent: what is done already is left as it is.
set -eu
mkdir -p /app/output/episodes
echo 1 >/app/output/.layout
echo "the corpus is in layout 1"
