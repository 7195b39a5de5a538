export LC_ALL=C TZ=UTC0
hidden() { printf '%s' "$1" >&2; exit 77; }
absent() {
  [ -e "$1" ] || [ -L "$1" ] && return 1
  up=$1
  while up=${up%/*}; [ -n "$up" ]; do [ -e "$up" ] && break; done
  [ ! -d "${up:-/}" ] || [ -x "${up:-/}" ]
}
unmounted() {
  while read -r _ point _; do
    case $point in /?*) ;; *) continue ;; esac
    case $1/ in "$point"/*) grep -qsF " $point " /proc/self/mounts || return 0 ;; esac
  done 2>/dev/null </etc/fstab
  return 1
}
none() { absent "$1" && ! unmounted "$1" || hidden "$1"; grep -asH '' /etc/machine-id; exit 0; }
cd -- "$1" 2>/dev/null || none "$1"
[ ! -L "$1" ] || printf 'link:%s\n' "$(pwd -P | head -n 1)"
cd .windlass 2>/dev/null || { echo there: && none "$1/.windlass"; }
for name in before build generations good replaced stat; do
  if [ -e "$name" ] || [ -L "$name" ]; then echo "folder:$name"; fi
done
for file in record.json manifest.json source.json key instance; do
  [ -r "$file" ] || absent "$1/.windlass/$file" || hidden "$1/.windlass/$file"
done
grep -asH '' /etc/machine-id record.json manifest.json source.json key instance good/.windlass/generation.json
printf '\0'
[ -f files ] || exit 0
# Prints what is there of the shipped files. Symbolic links are not followed, but for the hash.
each='
  sha256sum -- .windlass/override.json "$@"
  stat -c "@%f %n" -- "$@"
  for path; do
    [ ! -L "$path" ] || printf ">%s\n<%s\n" "$path" "$(readlink -- "$path")"
  done'

# The same answer, of files that take long to hash.
remembering() {
  umask 077
  trap 'rm -f -- "$new" "$new.told" "$new.whole"' EXIT
  trap 'exit 1' HUP INT TERM
  true >"$new" && now=$(stat -c '%Z %z' -- "$new") || return
  facts
  if remembered && is_of_new; then
    told
    return
  fi
  answer | tee "$new.told" && remember
  return 0
}

answer() { (cd .. && xargs -0 sh -c "$each" look) <files; }

# Whether we are where the stack's directory has our folder itself, and nobody else can lead us astray in it.
is_ours_alone() { [ "$(pwd -P)" = "$(cd .. && pwd -P)/.windlass" ] && [ -O . ]; }

# Keeps the answer, if every file could be read and none was changed just now: another change might bear
# the same time. The clock is that of the file system, as a new file told it; some count seconds by twos.
remember() {
  case $now in *.*[1-9]*) wait=1 ;; *) wait=3 ;; esac
  last=$(cut -d ' ' -f 1 "$new" | sort -n | tail -n 1)
  case $last in '' | *[!0-9]*) return ;; esac
  [ "$((last + wait))" -le "${now%% *}" ] || return
  files=$(grep -ac '^[0-9]* 8.* \./' "$new")
  [ "$(grep -acE '^\\?[0-9a-f]{64}  \./' "$new.told")" = "$files" ] || return
  leave
}

exec 2>/dev/null
[ -r stat ] && is_ours_alone && remembering || answer
exit 0
