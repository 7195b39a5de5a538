//! What is never shipped unless a line with `!` in an ignore file takes it back in.
//!
//! It is what OpenTofu, Terraform, editors and version control keep beside the files that people
//! want on a host: state and plans hold every secret of a configuration, and they change in the very
//! run that ships them.

/// The names that are left out everywhere something is shipped, in the syntax of `.gitignore`.
pub const LEFT_OUT: [&str; 37] = [
    // What OpenTofu and Terraform write.
    "*.tfstate",
    "*.tfstate.*",
    "terraform.tfstate.d",
    ".*.lock.info",
    "*.tfplan",
    "*.tofuplan",
    "tfplan",
    ".terraform",
    ".terraform.lock.hcl",
    ".terragrunt-cache",
    "crash.log",
    "crash.*.log",
    // What is written for them.
    "*.tf",
    "*.tf.json",
    "*.tofu",
    "*.tofu.json",
    "*.tfvars*",
    "*.tftest.hcl",
    "*.tftest.json",
    "*.tofutest.hcl",
    "*.tofutest.json",
    ".terraformrc",
    ".tofurc",
    "terraform.rc",
    "tofu.rc",
    // Version control.
    ".git",
    ".hg",
    ".svn",
    ".bzr",
    ".jj",
    // Editors.
    ".idea",
    ".vscode",
    "*.sw[nop]",
    "*~",
    ".#*",
    r"\#*#",
    ".DS_Store",
];

/// How much of a file is looked at to find out whether it is a state or a plan.
pub(crate) const HEAD: usize = 512;
/// How an archive begins.
const ARCHIVE: &[u8] = b"PK\x03\x04";
/// Where the name of its first file is.
const FIRST_NAME: usize = 30;
/// The file that is the first one in every plan.
const PLAN: &[u8] = b"tfplan";

/// Whether a file that begins like this is a state or a plan, whatever its name is: people write
/// `-out=p` and `path = "live.json"`. [`HEAD`] bytes tell.
pub(crate) fn is_of_core(head: &[u8]) -> bool {
    is_plan(head) || is_state(head)
}

/// A plan is a ZIP archive.
fn is_plan(head: &[u8]) -> bool {
    let name = head.get(FIRST_NAME..).unwrap_or_default();
    // The field after a name is empty in these archives: what follows the name is compressed.
    let length = head.get(26..28).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    head.starts_with(ARCHIVE) && name.starts_with(PLAN) && length.map(usize::from) == Some(PLAN.len())
}

/// A state is JSON that begins with its format and the version that wrote it, and so is what
/// `show -json` makes of a state or a plan, with every sensitive value in clear; a state or plan
/// that OpenTofu has encrypted begins with how the key was had.
fn is_state(head: &[u8]) -> bool {
    let text: String =
        String::from_utf8_lossy(head).chars().filter(|letter| !letter.is_whitespace()).collect();
    let plain = ["{\"version\":", "{\"format_version\":"].iter().any(|format| {
        let version = |letter: char| letter.is_ascii_digit() || ".\"".contains(letter);
        let rest = text.strip_prefix(format).map(|rest| rest.trim_start_matches(version));
        rest.is_some_and(|rest| rest.starts_with(",\"terraform_version\":"))
    });
    let encrypted = text.starts_with("{\"meta\":{\"key_provider.")
        || (text.starts_with("{\"serial\":") && text.contains("\"meta\":{\"key_provider."));
    plain || encrypted
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::directory;
    use crate::{Modes, Tree, walk};

    fn empty<'n>(names: &[&'n str]) -> Vec<(&'n str, &'n str)> {
        names.iter().map(|name| (*name, "")).collect()
    }

    #[test]
    fn what_the_core_editors_and_version_control_keep_stays_here() {
        let dir = directory(&empty(&[
            "compose.yaml",
            "main.tf",
            "x.tofu.json",
            "terraform.tfstate",
            "terraform.tfstate.1700000000.backup",
            "terraform.tfstate.d/prod/terraform.tfstate",
            ".terraform.tfstate.lock.info",
            ".terraform/providers/x",
            "modules/a/.terraform/y",
            "modules/a/variables.tf",
            "prod.auto.tfvars",
            "prod.tfvars.json",
            "held.json",
            ".held.json.lock.info",
            ".svn/entries",
            "conf/.app.conf.swp",
            "conf/app.conf",
            "conf/app.conf~",
            "nomad.hcl",
            "#auto#",
            ".gitignore",
        ]));
        let found = walk::files(dir.path()).unwrap();
        assert_eq!(found.names, [".gitignore", "compose.yaml", "conf/app.conf", "nomad.hcl"]);
        assert!(found.asked_for.is_empty());
    }

    #[test]
    fn states_and_plans_of_any_name_stay_here_unless_they_are_asked_for() {
        let state = "{\n  \"version\": 4,\n  \"terraform_version\": \"1.9.0\"";
        let dir = directory(&[("live.json", state), ("conf.json", "{\"version\": 4}")]);
        let names = || -> Vec<String> {
            let tree = Tree::directory(dir.path().to_str().unwrap(), Modes::Git).unwrap();
            tree.files.into_keys().collect()
        };
        assert_eq!(names(), ["conf.json"]);
        fs::write(dir.path().join(".windlassignore"), "!live.json").unwrap();
        assert_eq!(names(), ["conf.json", "live.json"]);
    }

    #[test]
    fn states_and_plans_are_known_by_what_is_in_them() {
        let archive = |name: &str| {
            let mut head = b"PK\x03\x04\x14\x00\x08\x00\x08\x00".to_vec();
            head.resize(26, 0);
            head.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            head.extend([0, 0]);
            head.extend(name.as_bytes());
            head.extend(b"\x8cT");
            head
        };
        assert!(is_of_core(&archive("tfplan")));
        assert!(!is_of_core(&archive("tfplans/a")) && !is_of_core(&archive("word/document.xml")));
        for state in [
            "{\n  \"version\": 4,\n  \"terraform_version\": \"1.9.0\",\n  \"serial\": 1",
            "{\"version\":4,\"terraform_version\":\"1.9.0\"",
            "{\"format_version\":\"1.2\",\"terraform_version\":\"1.11.4\",\"variables\":{",
            "{\n  \"format_version\": \"1.0\",\n  \"terraform_version\": \"1.11.4\",\n  \"values\": {",
            "{\"serial\":1,\"lineage\":\"a\",\"meta\":{\"key_provider.pbkdf2.k\":\"e30=\"},\"encrypted_data\":\"",
            "{\"meta\":{\"key_provider.pbkdf2.k\":\"e30=\"},\"encrypted_data\":\"",
        ] {
            assert!(is_of_core(state.as_bytes()), "{state}");
        }
        for other in [
            "",
            "{}",
            "{\"version\": 4, \"services\": {}}",
            "version: 4",
            "{\"meta\":{\"title\":\"a\"}}",
            "{\"format_version\":\"1.0\",\"provider_schemas\":{",
        ] {
            assert!(!is_of_core(other.as_bytes()), "{other}");
        }
    }
}
