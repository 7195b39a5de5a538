//! The `reload` blocks: files that containers take in by a command.

use std::collections::{BTreeMap, BTreeSet};

use framework::{Diagnostic, Diagnostics, Path};
use stack::ReloadSpec;
use tree::{Tree, matching};

use crate::resources::compose_stack::model::{ReloadBlock, StackModel};

/// Where an attribute of the block of this number is.
fn at(index: usize, attribute: &str) -> Path {
    Path::root().attribute("reload").index(index).attribute(attribute)
}

/// The reloads of a model, of the files in `source` and of the secret ones; `None` while a part is
/// unknown.
///
/// # Errors
/// Patterns that are not valid, or fit no file.
pub(in super::super) fn reloads(
    model: &StackModel,
    source: &Tree,
    secret_files: &BTreeMap<String, String>,
) -> Result<Option<Vec<ReloadSpec>>, Diagnostics> {
    let Ok(blocks) = model.reload.decided() else { return Ok(None) };
    let mut reloads = Vec::new();
    for (index, block) in blocks.into_iter().flatten().enumerate() {
        let Some(reload) = reload(model, index, block, source, secret_files)? else { return Ok(None) };
        reloads.push(reload);
    }
    Ok(Some(reloads))
}

fn reload(
    model: &StackModel,
    index: usize,
    block: &ReloadBlock,
    source: &Tree,
    secret_files: &BTreeMap<String, String>,
) -> Result<Option<ReloadSpec>, Diagnostics> {
    let (Ok(patterns), Ok(services), Ok(command)) =
        (block.files.decided(), block.services.decided(), block.command.decided())
    else {
        return Ok(None);
    };
    let wrong = |happened: String| {
        Diagnostic::error(format!("Could not read compose stack {:?}", model.name()))
            .detail(happened)
            .detail("Nothing was changed.")
            .detail("Name files as they are called in `source_dir`, in the syntax of `.gitignore`.")
            .at(at(index, "files"))
    };
    let patterns = patterns.cloned().unwrap_or_default();
    let shipped = source.files.keys().filter(|path| !source.seeds.contains(*path));
    let files = matching(&patterns, shipped.chain(secret_files.keys()))
        .map_err(|problem| wrong(format!("A pattern is not valid: {problem}.")))?;
    if files.is_empty() {
        return Err(wrong(format!("No file that is shipped fits {}.", patterns.join(", "))).into());
    }
    let services = services.cloned().unwrap_or_default();
    Ok(Some(ReloadSpec { services, files, command: command.cloned().unwrap_or_default() }))
}

/// Checks that no service is in two blocks: which command would take its files in?
pub(in super::super) fn validate(config: &StackModel, problems: &mut Diagnostics) {
    let mut known = BTreeSet::new();
    for (index, block) in config.reload.known().into_iter().flatten().enumerate() {
        for service in block.services.known().into_iter().flatten() {
            if !known.insert(service) {
                let title = format!("Could not use the reload of service {service:?}");
                let happened = "Another `reload` block names this service; a service has one command.";
                let next = "Join the blocks, with a command that takes in all of the files.";
                let problem = Diagnostic::error(title).detail(happened).detail(next);
                problems.push(problem.at(at(index, "services")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use framework::Field;

    use super::*;

    fn block(files: &[&str], services: &[&str]) -> ReloadBlock {
        ReloadBlock {
            files: Field::Known(files.iter().map(|file| (*file).to_owned()).collect()),
            services: Field::Known(services.iter().map(|service| (*service).to_owned()).collect()),
            command: Field::Known(vec!["reload".to_owned()]),
        }
    }

    fn model(blocks: Vec<ReloadBlock>) -> StackModel {
        StackModel { name: "web".into(), reload: Field::Known(blocks), ..StackModel::default() }
    }

    fn read(model: &StackModel) -> Result<Option<Vec<ReloadSpec>>, Diagnostics> {
        let (mut source, _) = Tree::texts(&["services: {}".to_owned()]);
        for path in ["conf/a", "conf/b", "other"] {
            source.lay_over(path, "x");
        }
        source.seed(&["conf/b".to_owned()]).unwrap();
        reloads(model, &source, &BTreeMap::from([("conf/key".to_owned(), "conf/key#1".to_owned())]))
    }

    #[test]
    fn patterns_fit_shipped_and_secret_files_but_no_seeds() {
        let found = read(&model(vec![block(&["conf/"], &["proxy"])])).unwrap().unwrap();
        assert_eq!(found[0].files.iter().collect::<Vec<_>>(), ["conf/a", "conf/key"]);
        assert_eq!(read(&model(Vec::new())).unwrap(), Some(Vec::new()));
    }

    #[test]
    fn a_pattern_without_a_file_is_reported_at_its_block() {
        let text = read(&model(vec![block(&["cnf"], &["proxy"])])).unwrap_err().to_string();
        assert!(text.contains("reload[0].files") && text.contains("fits cnf"), "{text}");
    }

    #[test]
    fn unknown_words_leave_it_open() {
        let open = ReloadBlock { command: Field::Unknown, ..block(&["conf"], &["proxy"]) };
        assert_eq!(read(&model(vec![open])).unwrap(), None);
    }

    #[test]
    fn a_service_has_one_command() {
        let mut problems = Diagnostics::default();
        validate(&model(vec![block(&["a"], &["proxy"]), block(&["b"], &["app", "proxy"])]), &mut problems);
        let text = problems.to_string();
        assert!(text.contains("reload[1].services") && text.contains("\"proxy\""), "{text}");
    }
}
