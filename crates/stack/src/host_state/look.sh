export LC_ALL=C
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
cd .. && [ -f .windlass/files ] || exit 0
# Prints what is there of the shipped files. Symbolic links are not followed, but for the hash.
each='
  sha256sum -- .windlass/override.json "$@"
  stat -c "@%f %n" -- "$@"
  for path; do
    [ ! -L "$path" ] || printf ">%s\n<%s\n" "$path" "$(readlink -- "$path")"
  done'

# The same of files that take long to hash: the hashes are remembered, by the program `$2` of awk, which
# says how. The clock is that of the file system, as a new file tells it.
remembering() {
  umask 077
  new=.windlass/stat.$$
  trap 'rm -f -- "$new" "$new.hashed"' EXIT
  command -v awk >/dev/null && : >"$new" && now=$(stat -c %Z -- "$new") || return
  sha256sum -- .windlass/override.json
  xargs -0 stat -c '%Z %f %s %i %y %z %n' -- <.windlass/files |
    awk -v known=.windlass/stat -v new="$new" -v now="$now" "$2" || exit 1
}

[ -f .windlass/stat ] && remembering "$@" 2>/dev/null ||
  xargs -0 sh -c "$each" look <.windlass/files 2>/dev/null
exit 0
