//! Which CLI a test runs with.
//!
//! What a test is about is nearly always the same with OpenTofu and Terraform, so it runs with one
//! of them. The name of the test decides which one: the choice is the same on every machine and in
//! every run, and each CLI gets about half of the tests. With `WINDLASS_FULL` a test runs with
//! every CLI: the chosen one works in this process, and each of the others before that in a
//! process of its own, where the test is told of no other one.

use std::{
    collections::BTreeSet,
    env,
    process::Command,
    sync::{Mutex, PoisonError},
    thread,
};

use sha2::{Digest as _, Sha256};

use crate::{Cli, every_cli};

/// The CLI of the test that asks.
///
/// # Panics
/// When another thread than the test's own asks; when the test fails with another CLI.
pub fn test_cli() -> Cli {
    test_cli_since((0, 0))
}

/// As [`test_cli`], among those that are of this version (major and minor) or younger.
///
/// # Panics
/// As [`test_cli`], and when there is none that is as young.
pub fn test_cli_since(version: (u64, u64)) -> Cli {
    let test = Test::running();
    let clis: Vec<_> =
        every_cli().into_iter().filter(|cli| version == (0, 0) || cli.version() >= version).collect();
    assert!(!clis.is_empty(), "no CLI is of version {}.{} or younger", version.0, version.1);
    let mut chosen = chosen(&test.path(), clis, is_full_run()).into_iter();
    let own = chosen.next().unwrap();
    if test.asks_first() {
        chosen.for_each(|other| test.run_with(&other));
    }
    own
}

/// Whether this is `make test-full`, which has time for what `make test` leaves out.
pub fn is_full_run() -> bool {
    env::var_os("WINDLASS_FULL").is_some()
}

/// The CLIs that a test runs with, the one that its name chooses first.
fn chosen(test: &str, mut clis: Vec<Cli>, all: bool) -> Vec<Cli> {
    clis.sort_by(|one, other| one.name.cmp(&other.name));
    let index = usize::from(Sha256::digest(test)[0]) % clis.len();
    clis.rotate_left(index);
    clis.truncate(if all { clis.len() } else { 1 });
    clis
}

/// A test of this package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Test {
    /// The test program: `compose_stack`.
    program: String,
    /// What the test harness calls the test: `life::a_stack_lives_and_dies`.
    name: String,
}

impl Test {
    /// The one whose thread this is: the harness names threads after their tests.
    fn running() -> Self {
        let name = thread::current().name().expect("a test asks for its CLI in its own thread").to_owned();
        let program = env::current_exe().unwrap().file_stem().unwrap().to_string_lossy().into_owned();
        // Cargo appends a hash of how the program was built.
        let program = program.rsplit_once('-').map_or(program.as_str(), |(program, _)| program).to_owned();
        Self { program, name }
    }

    /// What it is chosen by.
    fn path(&self) -> String {
        format!("{}::{}", self.program, self.name)
    }

    /// Whether it has not asked in this process yet.
    fn asks_first(&self) -> bool {
        static ASKED: Mutex<BTreeSet<Test>> = Mutex::new(BTreeSet::new());
        ASKED.lock().unwrap_or_else(PoisonError::into_inner).insert(self.clone())
    }

    /// Runs it in a process of its own, where there is but this CLI.
    fn run_with(&self, cli: &Cli) {
        let run = Command::new(env::current_exe().unwrap())
            .args(["--exact", &self.name, "--nocapture"])
            .env("WINDLASS_CLIS", &cli.path)
            .output()
            .unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
        let passed = run.status.success() && stdout.contains(" 1 passed");
        assert!(passed, "{} failed with {}:\n{stdout}\n{stderr}", self.name, cli.name);
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use super::*;

    fn both() -> Vec<Cli> {
        ["/bin/tofu", "/bin/terraform"].map(|path| Cli::at(path.into())).to_vec()
    }

    fn names(clis: &[Cli]) -> Vec<&str> {
        clis.iter().map(|cli| cli.name.as_str()).collect()
    }

    /// The paths of the tests in the files below `folder`, which is the module `module`.
    fn tests_below(folder: &Path, module: &str) -> BTreeSet<String> {
        let mut tests = BTreeSet::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let inner = [module, &name].into_iter().filter(|part| !["", "main", "mod"].contains(part));
            let inner = inner.collect::<Vec<_>>().join("::");
            if path.is_dir() {
                tests.extend(tests_below(&path, &inner));
            } else {
                tests.extend(tests_in(&fs::read_to_string(path).unwrap(), &inner));
            }
        }
        tests
    }

    fn tests_in(text: &str, module: &str) -> Vec<String> {
        let mut lines = text.lines().map(str::trim);
        let mut tests = Vec::new();
        while let Some(line) = lines.next() {
            if line == "#[test]" || line.starts_with("#[tokio::test") {
                let function = lines.find(|line| line.contains("fn ")).unwrap();
                let (_, name) = function.split_once("fn ").unwrap();
                tests.push(format!("{module}::{}", name.split('(').next().unwrap()));
            }
        }
        tests
    }

    #[test]
    fn each_cli_gets_half_of_the_tests() {
        let tests = tests_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), "");
        // One file that is a program, and one in the middle of another.
        assert!(tests.contains("secrets::values_come_from_the_configuration_alone"), "{tests:#?}");
        assert!(tests.contains("compose_stack::life::a_stack_lives_and_dies"), "{tests:#?}");
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for test in &tests {
            *counts.entry(chosen(test, both(), false)[0].name.clone()).or_default() += 1;
        }
        let near_half = tests.len() * 2 / 5..=tests.len() * 3 / 5;
        assert!(counts.len() == 2 && counts.values().all(|count| near_half.contains(count)), "{counts:?}");
    }

    #[test]
    fn the_choice_is_the_same_everywhere() {
        let test = |name| names(&chosen(name, both(), false)).join(" ");
        assert_eq!(test("compose_stack::life::a_stack_lives_and_dies"), "terraform");
        assert_eq!(
            test("secrets::no_secret_is_in_state_plan_log_arguments_labels_or_readable_files"),
            "tofu"
        );
        // Whatever order they are found in.
        let turned = both().into_iter().rev().collect();
        assert_eq!(chosen("a::b", turned, false), chosen("a::b", both(), false));
        assert_eq!(names(&chosen("a::b", both().split_off(1), false)), ["terraform"]);
    }

    #[test]
    fn a_full_run_has_every_cli_and_the_chosen_one_first() {
        for test in ["a::b", "a::c", "a::d", "a::e"] {
            let all = chosen(test, both(), true);
            assert_eq!(all[..1], chosen(test, both(), false));
            assert_eq!(names(&all).iter().collect::<BTreeSet<_>>().len(), 2);
        }
    }

    #[test]
    fn a_test_knows_its_path_and_asks_first_once() {
        let test = Test::running();
        let path = "acceptance_tests::choice::tests::a_test_knows_its_path_and_asks_first_once";
        assert_eq!(test.path(), path);
        assert!(test.asks_first());
        assert!(!test.asks_first());
    }

    #[test]
    fn a_test_runs_again_with_the_other_cli_alone() {
        let cli = Cli::at("/no/such/cli".into());
        let inner = Test { name: "choice::tests::inner".to_owned(), ..Test::running() };
        inner.run_with(&cli);
        let missing = Test { name: "choice::tests::none".to_owned(), ..inner };
        assert!(std::panic::catch_unwind(|| missing.run_with(&cli)).is_err(), "no test has run");
    }

    /// What [`a_test_runs_again_with_the_other_cli_alone`] runs.
    #[test]
    fn inner() {
        if env::var_os("WINDLASS_CLIS").is_some_and(|clis| clis == "/no/such/cli") {
            assert_eq!(names(&every_cli()), ["cli"]);
        }
    }
}
