#!/bin/sh
# Stands in for a pipeline that calls a language model: needs its key, writes one episode.
set -eu
title=${1:?name the episode}
test -s /run/secrets/llm_api_key || { echo "there is no key for $LLM_MODEL" >&2; exit 1; }
printf 'made by %s with %s\n' "$RELEASE" "$LLM_MODEL" >"/app/output/episodes/$title"
echo "wrote $title"
