//! Large and odd trees, by the companion, whose memory is watched; and logins that cannot give files to others.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use acceptance_tests::{Companion, Scratch, companion_binary, hcl, is_full_run};
use lab::{Lab, Variant};

use crate::Corpus;

/// Makes a tree of `$2` small files in `$1`, and a sparse one of `$3` MiB that has `$4` MiB in it.
const MAKE: &str = r#"
set -e
mkdir -p "$1" && cd "$1"
count=0
while [ "$count" -lt "$2" ]; do
  dir=d$((count / 1000)); mkdir -p "$dir"
  end=$((count + 1000)); [ "$end" -le "$2" ] || end=$2
  while [ "$count" -lt "$end" ]; do printf %s "$count" >"$dir/$count"; count=$((count + 1)); done
done
ln d0/0 d0/hard
ln -s ../d0/0 d0/soft
printf odd >"$(printf 'd0/line\nbreak')"
printf odd >"$(printf 'd0/latin-\351')"
truncate -s "$3M" sparse
head -c "$4M" /dev/urandom | dd of=sparse bs=1M seek="$(($3 / 2))" conv=notrunc status=none
"#;

/// What is in it, as one hash, and how many KiB the sparse file takes.
const SUM: &str = r#"
cd "$1" && export LC_ALL=C
{ find . ! -type d -printf '%y %m %U:%G %Ts %n %l %p\0' | sort -z
  find . -type f -print0 | sort -z | xargs -0 sha256sum; } | sha256sum
du -k sparse | cut -f 1
"#;

/// The most that the companion may have in memory.
const MEMORY: u64 = 160 << 20;

/// Runs it to its end, and says how much it had in memory at most.
fn watched(command: &mut Command) -> u64 {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let peak = peak_of(&mut child);
    assert!(child.wait().unwrap().success(), "{command:?}");
    peak
}

fn peak_of(child: &mut Child) -> u64 {
    let (path, mut peak) = (format!("/proc/{}/status", child.id()), 0);
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(&path).unwrap_or_default();
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = kib.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or_default() << 10);
        std::thread::sleep(Duration::from_millis(10));
    }
    peak
}

fn windlass(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(companion_binary());
    command.args(words).current_dir(folder).env_clear().env("HOME", folder);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

#[test]
fn a_tree_of_many_files_and_a_sparse_one_comes_back_in_little_memory() {
    let lab = Lab::current().unwrap();
    let [from, to] = [Variant::Sudo, Variant::Root].map(|kind| Scratch::on(&lab, lab.host(kind).unwrap()));
    let (files, size, written) = if is_full_run() { ("100000", "5120", "512") } else { ("3000", "256", "8") };
    let (source, target) = (from.path("data"), to.path("back"));
    from.root_runs(&["sh", "-c", MAKE, "make", &source, files, size, written]);
    let store = tempfile::tempdir().unwrap();
    let companion = Companion::of(
        &lab,
        &format!(
            "[backup.corpus.prod]\nhost = {}\npath = {}\nstore = \"file://{}\"\n",
            hcl::quoted(&hcl::connection(from.host())),
            hcl::quoted(&source),
            store.path().canonicalize().unwrap().display()
        ),
    );
    let taken = watched(&mut windlass(companion.path(), &["backup", "run"]));
    let host = hcl::connection(to.host());
    let words = ["backup", "restore", "prod", "--host", &host, "--to-path", &target];
    let restored = watched(&mut windlass(companion.path(), &words));
    assert!(taken < MEMORY && restored < MEMORY, "{taken} bytes to take it, {restored} to restore it");

    let sum = |place: &Scratch<'_>, path: &str| {
        let told = place.root_runs(&["sh", "-c", SUM, "sum", path]);
        let (hash, kib) = told.trim().split_once('\n').unwrap();
        (hash.to_owned(), kib.parse::<u64>().unwrap())
    };
    let ((hash, room), (hash_back, room_back)) = (sum(&from, &source), sum(&to, &target));
    assert_eq!(hash, hash_back);
    let most = (written.parse::<u64>().unwrap() + 1) << 10;
    assert!(room < most && room_back < most, "the sparse file takes {room} KiB, and {room_back} KiB then");
}

#[test]
fn who_cannot_give_files_to_others_is_told_that_the_owners_are_lost() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    corpus.back_up(&corpus.from.path("data"), "");
    corpus.workspace.apply().expect_success();
    let deploy = Scratch::on(&lab, lab.host(Variant::Deploy).unwrap());
    let directory = deploy.path("own");
    deploy.root_runs(&["install", "-d", "-o", "deploy", &directory]);
    let restore = |name: &str, more: &str| {
        let path = hcl::quoted(&format!("{directory}/{name}"));
        corpus.restore_to(deploy.host(), &format!("path = {path}\n  {more}"));
    };
    restore("one", "owner = \"33:33\"");
    corpus.workspace.apply().expect_error().says("to 33:33").says("as it was");
    assert_eq!(deploy.root_runs(&["ls", "-A", &directory]).trim(), "");
    restore("one", "");
    corpus.workspace.apply().expect_success().expect_warning("the owners are lost");
    assert_eq!(deploy.root_runs(&["stat", "-c", "%U", &format!("{directory}/one/deep/er")]).trim(), "deploy");
    // Whoever says so is not warned.
    let ids = deploy.root_runs(&["sh", "-c", "echo $(id -u deploy):$(id -g deploy)"]);
    restore("two", &format!("owner = {}", hcl::quoted(ids.trim())));
    let run = corpus.workspace.apply().expect_success();
    assert!(run.diagnostics().iter().all(|one| !one.summary.contains("owners")), "{:?}", run.diagnostics());
}

/// Gives files and directories in `$1` attributes and access control lists, by Perl, which every Debian has.
const GIVE: &str = r#"
my ($set) = `uname -m` =~ /aarch64/ ? 5 : 188;
sub give { my ($path, $name, $value) = @_; syscall($set, $path, $name, $value, length $value, 0) == 0 or die "$path $name: $!" }
sub list { my $list = pack "V", 2; $list .= pack "vvV", splice @_, 0, 3 while @_; $list }
my $none = 0xffffffff;
chdir $ARGV[0] or die;
give "d0/1", "user.text", "a line\n12 path=x\nand another";
give "d0/1", "user.bytes", "\0\xff\0\n";
give "d0/1", "user.odd=%3D\n\xe9", "=";
give "d0/1", "system.posix_acl_access", list(1, 6, $none, 2, 4, 0, 2, 6, 4242, 4, 4, $none, 16, 6, $none, 32, 0, $none);
give "d0/line\nbreak", "user.in", "odd name";
give "sparse", "user.in", "sparse";
give "d1", "user.in", "directory";
give "d1", "system.posix_acl_access", list(1, 7, $none, 4, 5, $none, 8, 7, 33, 16, 7, $none, 32, 5, $none);
give "d1", "system.posix_acl_default", list(1, 7, $none, 2, 5, 4242, 4, 5, $none, 16, 5, $none, 32, 0, $none);
"#;

/// Prints what of that everything has whose paths come, with NUL between them.
const TELL: &str = r#"
my ($get, $list) = `uname -m` =~ /aarch64/ ? (8, 11) : (191, 194);
$/ = "\0";
while (my $path = <STDIN>) {
  chomp $path;
  my $names = "\0" x 4096;
  my $length = syscall $list, $path, $names, 4096;
  $length >= 0 or die "$path: $!";
  for my $name (sort grep /^(user|system)\./, split /\0/, substr $names, 0, $length) {
    my $value = "\0" x 4096;
    my $length = syscall $get, $path, $name, $value, 4096;
    print unpack("H*", "$path $name"), " ", unpack("H*", substr $value, 0, $length), "\n";
  }
}
"#;

#[test]
fn attributes_and_access_control_lists_come_back_and_are_missed_where_they_cannot() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    let (source, target) = (corpus.from.path("data"), corpus.to.path("restored/data"));
    corpus.from.root_runs(&["sh", "-c", MAKE, "make", &source, "1100", "16", "1"]);
    corpus.from.root_runs(&["perl", "-e", GIVE, &source]);
    let told = |place: &Scratch<'_>, path: &str| {
        let all = r#"cd "$1" && find . ! -type l -print0 | LC_ALL=C sort -z | perl -e "$2""#;
        place.root_runs(&["sh", "-c", all, "all", path, TELL])
    };
    let before = told(&corpus.from, &source);
    assert_eq!(before.lines().count(), 9, "{before}");

    corpus.back_up(&source, "verify = \"restore\"");
    corpus.workspace.apply().expect_success();
    corpus.restore("");
    corpus.workspace.apply().expect_success();
    assert_eq!(told(&corpus.to, &target), before);
    let sum = |place: &Scratch<'_>, path: &str| place.root_runs(&["sh", "-c", SUM, "sum", path]);
    assert_eq!(sum(&corpus.to, &target).lines().next(), sum(&corpus.from, &source).lines().next());

    let host = lab.add_host(Variant::Busybox).unwrap();
    let busybox = Scratch::on(&lab, &host);
    corpus.restore_to(busybox.host(), &format!("path = {}", hcl::quoted(&busybox.path("restored"))));
    let run = corpus.workspace.apply().expect_success();
    run.expect_warning("extended attributes are lost").says("4 files and directories had");
}
