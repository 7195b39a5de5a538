//! How a script gives files their places.

/// Defines, for a script with the functions of [`walk`](super::walk) and [`put`](super::PUT), the function
/// `place STAGE MODE PATH…`: what has each path below the directory that is open as 9 gets the same path
/// below the one that is open as 8, in the place of a file or link there, and its path is printed.
/// Directories that are missing are made with the mode, where there is one. Where another file system
/// begins on the way, a thing is staged there under the name `STAGE`, so that it appears as a whole.
pub(super) const PLACE: &str = r#"
begin_placing() {
  staged_as=$1
  cd -P /proc/self/fd/8 || exit 255
  base=${PWD%/}
  mounts=$(cut -d ' ' -f 5 /proc/self/mountinfo | grep -F -e "$base/" -e '\')
  at=.
  put=direct
}

# Whether another file system may begin between the base and here.
elsewhere() {
  case $PWD in *\\* | *[[:space:]]*) return 0 ;; esac
  set -f
  for mount in $mounts; do
    case $mount in
      *\\*) return 0 ;;
      "$base"/*) case $PWD/ in "$mount"/*) return 0 ;; esac ;;
    esac
  done
  return 1
}

# Goes to where the path $1 ends; what is missing on the way is made with the mode $2.
reach() {
  up=.
  case $1 in */*) up=${1%/*} ;; esac
  [ "$up" != "$at" ] || return 0
  cd -P /proc/self/fd/8 || exit 255
  at=$up
  below "$up" "$2"
  put=direct
  [ ! "$mounts" ] || ! elsewhere || put=again
}

# Gives what has the path $1 its place here.
give() {
  case $put in
    direct) put "/proc/self/fd/9/$1" "./${1##*/}" ;;
    again) again "$1" "${1##*/}" ;;
  esac
}

again() (
  stage "$staged_as"
  cp -a -- "/proc/self/fd/9/$1" ./new && put ./new "../$2"
)

place() {
  begin_placing "$1"
  mode=$2
  shift 2
  for part; do
    reach "$part" "$mode"
    give "$part" || exit 255
    printf '%s\0' "$part"
  done
}
"#;
