# Runs the words that follow as a program of a repository. stdin has the password in its first line, and variables of
# its environment in the others: neither shows in the list of processes. The password file is a pipe, so that nothing
# of it is left behind, however this ends.
umask 077
IFS= read -r password || exit 125
while IFS= read -r line; do export "$line"; done
# It takes its lock away when it is interrupted, and may not do so when it is ended.
trap 'kill -INT "$child" 2>/dev/null; { sleep 8; kill -TERM "$child"; } >/dev/null 2>&1 &' HUP INT TERM
RESTIC_PASSWORD_FILE=/proc/self/fd/3 "$@" </dev/null 3<<END &
$password
END
child=$!
unset password
while :; do
  wait "$child"
  status=$?
  kill -0 "$child" 2>/dev/null || break
done
exit "$status"
