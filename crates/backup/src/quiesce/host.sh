# Starts again what was paused or stopped for the time of a copy, whoever is still there to ask for it.
#
# $1 is what to do, $2 where root keeps it and $3 where others do, $4 a name of what is quiesced, $5 a random
# word, $6 a number of seconds; the rest is how docker is called. A list has a line for each thing to do, in their
# order: `unpause ID`, `start ID`, `policy ID POLICY`.

action=$1 roots=$2 own=$3 name=$4 word=$5 seconds=$6
shift 6
umask 077
if [ "$(id -u)" = 0 ]; then base=$roots; else base=$own; fi
place=$base/quiesced/$name

# Does all that the list $1 says; what is gone, or has been started already, is no matter.
resume() {
  todo=$1 failed=
  shift
  while read -r what id policy; do
    state=$("$@" inspect --type container --format '{{.State.Status}}' "$id" 2>/dev/null </dev/null) || {
      "$@" version >/dev/null 2>&1 </dev/null || failed=1
      continue
    }
    case $what:$state in
      unpause:paused) "$@" unpause "$id" >/dev/null </dev/null || failed=1 ;;
      start:created | start:exited) "$@" start "$id" >/dev/null </dev/null || failed=1 ;;
      policy:*) "$@" update --restart "$policy" "$id" >/dev/null </dev/null || failed=1 ;;
    esac
  done <"$todo"
  [ -z "$failed" ]
}

# Gives the list to the timer.
fire() {
  mv -- "$place/$word.$1" "$place/$word.fired" 2>/dev/null
}

clear() {
  rm -f -- "$place/$word.taken" "$place/$word.fired" "$place/$word.watched"
  rmdir -- "$place" 2>/dev/null
  return 0
}

case $action in
  # Does what lists say that nobody has come back for: a machine that was started anew has no timer.
  recover)
    for list in "$place"/*.armed "$place"/*.taken "$place"/*.fired; do
      [ -f "$list" ] || continue
      mine=$place/$word.recovered
      mv -- "$list" "$mine" 2>/dev/null || continue
      resume "$mine" "$@" || { mv -- "$mine" "$list"; exit 1; }
      rm -f -- "$mine" "${list%.*}.watched"
    done
    ;;
  # Keeps the list on stdin.
  arm)
    mkdir -p -- "$place" && cat >"$place/$word.new" && mv -- "$place/$word.new" "$place/$word.armed"
    ;;
  # The timer: does what the list says when the time is up and nobody has taken it.
  watch)
    : >"$place/$word.watched" || exit
    count=0
    while [ "$count" -lt "$seconds" ]; do
      [ -f "$place/$word.armed" ] || [ -f "$place/$word.taken" ] || exit 0
      sleep 1
      count=$((count + 1))
    done
    fire armed || fire taken || exit 0
    until resume "$place/$word.fired" "$@"; do
      [ "$count" -lt $((seconds + 3600)) ] || exit 1
      sleep 5
      count=$((count + 5))
    done
    clear
    ;;
  # Waits until the timer runs.
  watched)
    count=0
    until [ -f "$place/$word.watched" ]; do
      [ "$count" -lt 10 ] || exit 1
      sleep 1
      count=$((count + 1))
    done
    ;;
  # Takes the list from the timer, and does what it says, or gives it back; 103 where the timer was faster.
  resume)
    if mv -- "$place/$word.armed" "$place/$word.taken" 2>/dev/null; then
      resume "$place/$word.taken" "$@" || { mv -- "$place/$word.taken" "$place/$word.armed"; exit 1; }
      clear
      exit 0
    fi
    # The timer is at it: it goes on until all is done.
    count=0
    while [ -f "$place/$word.fired" ] && [ "$count" -lt 30 ]; do
      sleep 1
      count=$((count + 1))
    done
    exit 103
    ;;
esac
