//! How scripts take files out of a tree that others may write in, and put them back there.
//!
//! What is taken lies in a directory of ours in that tree, in which nobody else can change anything: there a
//! script may do what it likes by paths. Only the way in and the way out lead through what belongs to
//! others, who may swap a file for a link at any moment; so the way in is a hard link, which follows none,
//! and the way out a rename.

use super::{PUT, place::PLACE, walk};

/// Functions beside those of [`walk`], [`PUT`] and [`PLACE`].
const FUNCTIONS: &str = r#"
# Goes to the directory $1 here, which is made where it is missing. Root makes it its own where it is not:
# from then on nobody else can change what is in it.
own() {
  [ -e "./$1" ] || [ -L "./$1" ] || mkdir -m 700 -- "./$1" || exit
  below "$1"
  [ "$me" != 0 ] || case $(stat -c '%u %a' .) in
    "0 "*[2367] | "0 "*[2367]?) seize ;;
    "0 "*) ;;
    *) seize ;;
  esac || exit
}

# Takes this directory and all below it from others: its names are looked at when nobody can change them.
seize() (
  chown 0 . && chmod go-w . || exit
  for name in ./* ./.[!.]* ./..?*; do
    [ -d "$name" ] && [ ! -L "$name" ] || continue
    (below "$name" && seize) || exit
  done
)

# Makes the directory $1 here, in the place of a link that somebody has left.
room() {
  [ ! -L "./$1" ] || rm -f -- "./$1" || exit
  [ -d "./$1" ] || mkdir -p -- "./$1" || exit
}

# Takes the files and links that are listed on stdin (NUL behind each), below the directory that is open
# as 8, to the same paths below the one that is open as 9, as hard links where that can be. One that
# may not be read is moved there if $1 says so. Directories are left.
take() {
  xargs -0 sh -c "$functions"'taken "$@"' windlass-take "$1"
}

taken() {
  unread=$1
  shift
  while [ $# -gt 0 ]; do
    up=.
    case $1 in */*) up=${1%/*} ;; esac
    cd -P /proc/self/fd/8 || exit 255
    below "$up"
    [ -d "/proc/self/fd/9/$up" ] || mkdir -p -- "/proc/self/fd/9/$up" || exit 255
    count=0 words=
    for path; do
      case $path in */*) ;; *) path=./$path ;; esac
      [ "${path%/*}" = "$up" ] || break
      count=$((count + 1))
      [ -d "./${path##*/}" ] && [ ! -L "./${path##*/}" ] || words="$words \"./\${$count##*/}\""
    done
    [ ! "$words" ] || eval "ln -- $words \"/proc/self/fd/9/\$up/\"" 2>/dev/null || eval "singly $words" || exit 255
    shift "$count"
  done
}

# What could not be linked at once: there may be no links between the two.
singly() {
  for name; do
    new=/proc/self/fd/9/$up/${name#./}
    ln -- "$name" "$new" 2>/dev/null || [ -e "$new" ] || [ -L "$new" ] || copied "$name" "$new" && continue
    case $unread in move) mv -f -- "$name" "$new" || return ;; *) return 1 ;; esac
  done
}

# Copies the file or link $1 here to $2. What root copies is what it has opened, if that lies here.
copied() {
  if [ "$me" != 0 ]; then cp -a -- "$1" "$2" || return; return 0; fi
  if [ -L "$1" ]; then
    target=$(readlink -n -- "$1" && echo .) && ln -s -- "${target%.}" "$2"
    return
  fi
  [ -f "$1" ] || { ls -d -- "$1" >/dev/null; return 1; }
  {
    opened=$(readlink -n /proc/self/fd/7 && echo .)
    [ "$opened" = "${PWD%/}/${1#./}." ] || link "$PWD/${1#./}"
    cat <&7 >"$2" && chown -- "$(stat -L -c %u:%g /proc/self/fd/7)" "$2" &&
      chmod -- "$(stat -L -c %a /proc/self/fd/7)" "$2" && touch -r /proc/self/fd/7 -- "$2"
  } 7<"$1"
}

# Makes of what was taken to the directory $1 the files below $2, in a place of our own: large ones are what
# they are, the others become copies.
settle() {
  [ -d "$2" ] || mkdir -p -- "$2" || exit
  find "$1" -type f -size +512 -exec sh -c '
    taken=$0 to=$1
    shift
    for path; do
      path=${path#"$taken"/}
      case $path in */*) mkdir -p -- "$to/${path%/*}" ;; esac
      mv -f -- "$taken/$path" "$to/$path"
    done' "$1" "$2" {} +
  cp -a -- "$1/." "$2/" && rm -r -f -- "$1" || exit
}

# Gives all files of the directory that is open as 9 their places below the one that is open as 8. $1 is a
# name for what is staged on the way.
place_all() {
  (cd -P /proc/self/fd/9 && find . ! -type d -print0) |
    xargs -0 -r sh -c "$functions"'place "$0" 755 "$@" >/dev/null' "$1"
}
"#;

/// `body` behind the functions of [`walking_script`](walk::script), of [`PUT`] and of this module, which the
/// comments there explain.
pub fn copying_script(body: &str) -> String {
    walk::script_with(&[PUT, PLACE, FUNCTIONS], body)
}
