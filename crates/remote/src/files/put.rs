//! How a script puts a file where another one is.

/// Defines the function `put FROM TO` for the script that follows: what is at `FROM` gets the name `TO`
/// by a rename, in the place of a file or link there, and never inside of a directory there.
///
/// `mv -T` says just that. Older BusyBox has no such option, and the Rust coreutils refuse a link to a
/// directory as `TO`: what is at `TO` goes first then, if it is a link. Where there is that option nothing
/// is done without it: somebody may make a link in the place of `TO` again.
pub const PUT: &str = r#"
put() {
  mv -f -T -- "$1" "$2" 2>/dev/null && return
  if [ -L "$2" ]; then
    [ -e "$1" ] || [ -L "$1" ] && rm -f -- "$2" || return
  elif [ -d "$2" ]; then
    printf 'cannot overwrite directory %s\n' "$2" >&2
    return 1
  fi
  case $(mv --help 2>&1) in
    *-T*) mv -f -T -- "$1" "$2" ;;
    *) mv -f -- "$1" "$2" ;;
  esac
}
"#;

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::*;
    use crate::conformance::Tools;

    #[test]
    fn files_and_links_give_way_and_directories_do_not() {
        for tools in Tools::all() {
            let dir = tempfile::tempdir().unwrap();
            let at = |name: &str| dir.path().join(name);
            for name in ["one", "two", "taken"] {
                fs::create_dir(at(name)).unwrap();
            }
            fs::write(at("-new"), "new").unwrap();
            fs::write(at("old"), "old").unwrap();
            symlink("one", at("link")).unwrap();
            symlink("two", at("other")).unwrap();
            let put = |from: &str, to: &str| {
                let script = format!("{PUT}cd -- \"$1\" && put \"$2\" \"$3\"");
                tools.sh(&script).arg(dir.path()).args([from, to]).output().unwrap().status.success()
            };
            assert!(put("-new", "old"), "{tools:?}");
            assert_eq!(fs::read_to_string(at("old")).unwrap(), "new");
            assert!(put("other", "link"), "{tools:?}");
            assert_eq!(fs::read_link(at("link")).unwrap(), Path::new("two"));
            assert!(!put("old", "taken") && !at("taken/old").exists(), "{tools:?}");
            assert!(put("old", "link") && fs::read_link(at("link")).is_err(), "{tools:?}");
            symlink("one", at("kept")).unwrap();
            assert!(!put("absent", "kept") && at("kept").is_dir(), "{tools:?}");
            assert!(put("one", "fresh") && at("fresh").is_dir(), "{tools:?}");
        }
    }
}
