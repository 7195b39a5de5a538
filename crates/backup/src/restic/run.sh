# Runs the words that follow as a program of a repository. stdin has the password in its first line, and variables of
# its environment in the others: neither shows in the list of processes.
umask 077
IFS= read -r password || exit 125
while IFS= read -r line; do export "$line"; done
dir=
for base in /dev/shm "${TMPDIR:-/tmp}"; do
  dir=$(mktemp -d "$base/windlass-restic.XXXXXXXXXX" 2>/dev/null) && break
done
[ -d "$dir" ] || exit 125
trap 'rm -rf "$dir"' EXIT
# It takes its lock away when it is interrupted, and may not do so when it is ended.
trap 'kill -INT "$child" 2>/dev/null; { sleep 8; kill -TERM "$child"; } >/dev/null 2>&1 &' HUP INT TERM
printf '%s\n' "$password" >"$dir/password"
unset password
RESTIC_PASSWORD_FILE="$dir/password" "$@" </dev/null &
child=$!
while :; do
  wait "$child"
  status=$?
  kill -0 "$child" 2>/dev/null || break
done
exit "$status"
