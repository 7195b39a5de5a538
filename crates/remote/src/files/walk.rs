//! How scripts of ours get to where they change something: without being led elsewhere.
//!
//! Whoever may write in a directory may put a link there in the place of a file or a directory, at
//! any moment; what root then does by the path, it does where the link leads. So a script goes to the
//! directory itself, one name after another, looks at each step where it has come to, and names from
//! there on only what is in it. What it prepares there lies in a directory of its own that nobody else
//! can write to, and is renamed from there: a rename follows no link.

use crate::{Command, quote};

/// Functions for the scripts of this module's users.
const FUNCTIONS: &str = r#"
export LC_ALL=C
umask 077

# Who we are, without a process for it: the second number is the one that counts.
while read -r name real me rest; do
  case $name in Uid:) break ;; esac
  me=
done </proc/self/status
[ "$me" ] || me=$(id -u)

# Ends with the reason why the directory $1 cannot be entered, in the words of ls.
closed() {
  ls -d -- "$1/." >/dev/null
  exit 1
}

link() {
  printf 'windlass-link %s\n' "$1" >&2
  exit 1
}

# Goes to the directory $1. What is missing of it is made with the mode $2, where there is one.
go() {
  cd / || exit
  rest=${1#/}
  while [ "$rest" ]; do
    name=${rest%%/*}
    rest=${rest#"$name"}
    rest=${rest#/}
    if [ "$2" ] && [ ! -e "./$name" ] && [ ! -L "./$name" ]; then
      mkdir -m "$2" -- "./$name" || [ -d "./$name" ] || exit
    fi
    from=${PWD%/}
    holder=
    [ ! -L "./$name" ] || holder=$(stat -c '%u %a' .)
    cd -P -- "./$name" || closed "./$name"
    [ "$PWD" = "$from/$name" ] || [ "$me" != 0 ] || followed "$from/$name" $holder
  done
}

# Ends unless root may have followed the link $1, from a directory of $2 with the mode $3 to here: in
# a directory of root's that nobody else can write to, or to a directory of the same user.
followed() {
  case $# in 3) ;; *) link "$1" ;; esac
  case $3 in *[2367]) link "$1" ;; esac
  case $2 in
    0) case $3 in *[2367]?) link "$1" ;; esac ;;
    *) [ "$2" = "$(stat -c %u .)" ] || link "$1" ;;
  esac
}

# Goes to the directory $1 below this one, through no link at all. What is missing of it is made with
# the mode $2, where there is one.
below() {
  rest=$1
  while [ "$rest" ]; do
    name=${rest%%/*}
    rest=${rest#"$name"}
    rest=${rest#/}
    case $name in .) continue ;; esac
    if [ "$2" ] && [ ! -e "./$name" ] && [ ! -L "./$name" ]; then
      mkdir -m "$2" -- "./$name" || [ -d "./$name" ] || exit
    fi
    from=${PWD%/}
    cd -P -- "./$name" || closed "./$name"
    [ "$PWD" = "$from/$name" ] || link "$from/$name"
  done
}

# Makes the directory $1 here, for us alone, and goes into it. It goes when the script ends.
stage() {
  stage=$1
  mkdir -- "./$stage" || exit
  from=$PWD
  below "$stage"
  if [ "$me" = 0 ]; then
    case $(stat -c %u:%a .)$(ls -A) in
      0:700 | 0:2700) ;;
      *)
        cd / && rmdir -- "${from%/}/$stage"
        echo "windlass: no directory that others cannot write to can be made in $from" >&2
        exit 1 ;;
    esac
  fi
  trap 'rm -r -f -- ./new ./sum ./moves; cd -P .. && rmdir -- "./$stage"' EXIT
  trap 'exit 1' HUP INT PIPE TERM
}
"#;

/// What a script of ours says on stderr before the path of a link that it did not follow.
pub(super) const LINK: &str = "windlass-link ";

/// `body` behind the functions `go`, `below` and `stage`, which the comments in [`FUNCTIONS`] explain.
pub fn script(body: &str) -> String {
    format!("{FUNCTIONS}{body}")
}

/// `body` behind those functions and `more` of them, all of which are the text of the variable `functions` as
/// well, for scripts that `body` starts.
pub(super) fn script_with(more: &[&str], body: &str) -> String {
    let functions = format!("{FUNCTIONS}{}", more.concat());
    format!("functions={}\neval \"$functions\"\n{body}", quote::word(&functions))
}

/// The command `name`, which runs `body` behind the functions.
pub(super) fn command(body: &str, name: &str) -> Command {
    Command::new(["sh", "-c", &script(body), name])
}

/// Goes to the directory `$1` and becomes the words that follow.
const IN: &str = r#"
go "$1" ''
shift
exec "$@"
"#;

/// Runs `words` in `directory`.
pub(super) fn in_directory<'w>(directory: &str, words: impl IntoIterator<Item = &'w str>) -> Command {
    command(IN, "windlass-in").arg(directory).args(words)
}

/// The last component of an absolute path.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
