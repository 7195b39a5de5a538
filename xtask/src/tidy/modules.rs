//! Which module of a crate names what of which other: paths resolved to the
//! module where an item is defined, however many re-exports are in between.
//!
//! Modules are where their files are, so that one that nothing declares yet is
//! seen too. Names resolve as the language resolves them, but for two things
//! that no rule needs: what a macro defines, and what a function hides.

use super::rust::{self, Path, Role, RustFile};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A module's place: the folder (or file) of its crate's root, and the names
/// from there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub root: String,
    pub names: Vec<String>,
}

/// One module names another one of its crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead<'a> {
    pub from: Place,
    pub to: Place,
    /// What it names of it; a star for all of it, nothing for the module as such.
    pub item: Option<String>,
    /// Whether it only passes the name on.
    pub is_public: bool,
    pub file: &'a str,
    pub line: usize,
}

/// Every path in `files` that leads to another module of the same crate than
/// the one that names it.
pub fn leads<'a>(files: &'a [RustFile<'a>]) -> Vec<Lead<'a>> {
    let mut scopes = Scopes::default();
    let moved = moved(files);
    for file in files {
        let place = moved.get(file.path).cloned().unwrap_or_else(|| place(file.path));
        for module in &file.modules {
            scopes.add(place.below(&module.inside), file.path, module);
        }
    }
    scopes.0.iter().flat_map(|(from, scope)| scopes.leads(from, scope)).collect()
}

/// Where a path leads: a module, and the item of it, if it leads to one.
struct Target {
    module: Place,
    item: Option<String>,
}

/// All modules of all crates.
#[derive(Default)]
struct Scopes<'a>(BTreeMap<Place, Scope<'a>>);

/// What names mean in one module.
#[derive(Default)]
struct Scope<'a> {
    file: &'a str,
    items: BTreeSet<&'a str>,
    children: BTreeSet<String>,
    imports: BTreeMap<&'a str, &'a Path>,
    globs: Vec<&'a Path>,
    paths: Vec<&'a Path>,
}

impl<'a> Scopes<'a> {
    fn add(&mut self, place: Place, file: &'a str, module: &'a rust::Module) {
        let mut at = place.clone();
        while let Some((parent, name)) = at.parent() {
            self.0.entry(parent.clone()).or_default().children.insert(name);
            at = parent;
        }
        let scope = self.0.entry(place).or_default();
        scope.file = file;
        scope.items.extend(module.items.iter().map(String::as_str));
        for path in &module.paths {
            match &path.role {
                Role::Import { name, .. } => _ = scope.imports.insert(name, path),
                Role::Glob { .. } => scope.globs.push(path),
                Role::Mention => {}
            }
            scope.paths.push(path);
        }
    }

    fn leads(&self, from: &Place, scope: &Scope<'a>) -> Vec<Lead<'a>> {
        let lead = |path: &&'a Path| {
            let target = self.resolve(from, &path.segments, &mut Vec::new())?;
            let (is_glob, is_public) = match path.role {
                Role::Mention => (false, false),
                Role::Import { is_public, .. } => (false, is_public),
                Role::Glob { is_public } => (true, is_public),
            };
            let star = || (is_glob && self.defines_something(&target.module)).then(|| "*".to_owned());
            let item = target.item.or_else(star);
            let lead = Lead {
                from: from.clone(),
                to: target.module,
                item,
                is_public,
                file: scope.file,
                line: path.line,
            };
            (lead.to != lead.from).then_some(lead)
        };
        scope.paths.iter().filter(|path| scope.may_lead(path)).filter_map(lead).collect()
    }

    fn defines_something(&self, module: &Place) -> bool {
        self.0.get(module).is_some_and(|scope| !scope.items.is_empty())
    }

    /// Where a path leads from a module; `None` when it leaves the crate.
    ///
    /// `seen` holds the names that are being resolved: imports may go in circles.
    fn resolve<'s>(&'s self, from: &Place, segments: &'s [String], seen: &mut Seen<'s>) -> Option<Target> {
        let mut module = from.clone();
        let mut rest = segments;
        let mut is_anchored = false;
        while let Some((first, behind)) = rest.split_first() {
            match first.as_str() {
                "crate" => module.names.clear(),
                "self" => {}
                "super" => _ = module.names.pop()?,
                _ => break,
            }
            (rest, is_anchored) = (behind, true);
        }
        while let Some((name, behind)) = rest.split_first() {
            match self.lookup(&module, name, behind.is_empty(), seen) {
                Some(Target { module: found, item: None }) => module = found,
                Some(item) => return Some(item),
                // A module that says no more: its name is all that is known.
                None if is_anchored => break,
                None => return None,
            }
            (rest, is_anchored) = (behind, true);
        }
        Some(Target { module, item: None })
    }

    fn lookup<'s>(
        &'s self,
        module: &Place,
        name: &'s str,
        is_last: bool,
        seen: &mut Seen<'s>,
    ) -> Option<Target> {
        let (place, scope) = self.0.get_key_value(module)?;
        if seen.iter().any(|(module, resolving)| *resolving == name && std::ptr::eq(*module, place)) {
            return None;
        }
        let is_item = scope.items.contains(name);
        if scope.children.contains(name) && !(is_last && is_item) {
            return Some(Target { module: module.below(&[name.to_owned()]), item: None });
        }
        if is_item {
            return Some(Target { module: module.clone(), item: Some(name.to_owned()) });
        }
        seen.push((place, name));
        let found = match scope.imports.get(name) {
            Some(import) => self.resolve(module, &import.segments, seen),
            None => scope.globs.iter().find_map(|glob| {
                let behind = self.resolve(module, &glob.segments, seen)?;
                self.lookup(&behind.module, name, is_last, seen)
            }),
        };
        seen.pop();
        found
    }
}

impl Scope<'_> {
    /// Whether a path can lead elsewhere at all: most are names of the module's own.
    fn may_lead(&self, path: &Path) -> bool {
        path.role != Role::Mention
            || !self.globs.is_empty()
            || path.segments.first().is_some_and(|first| {
                matches!(first.as_str(), "crate" | "self" | "super")
                    || self.imports.contains_key(first.as_str())
                    || self.children.contains(first)
            })
    }
}

/// The names that are being resolved, with their modules.
type Seen<'s> = Vec<(&'s Place, &'s str)>;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("crate")?;
        self.names.iter().try_for_each(|name| write!(f, "::{name}"))
    }
}

impl Place {
    fn below(&self, names: &[String]) -> Self {
        Self { root: self.root.clone(), names: [&self.names, names].concat() }
    }

    fn parent(&self) -> Option<(Self, String)> {
        let (last, before) = self.names.split_last()?;
        Some((Self { root: self.root.clone(), names: before.to_vec() }, last.clone()))
    }
}

/// The modules whose file `#[path]` names, by that file.
fn moved(files: &[RustFile]) -> BTreeMap<String, Place> {
    let mut moved = BTreeMap::new();
    for file in files {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for module in &file.modules {
            for elsewhere in &module.elsewhere {
                let inside = [&module.inside[..], std::slice::from_ref(&elsewhere.name)].concat();
                moved.insert(format!("{folder}/{}", elsewhere.file), place(file.path).below(&inside));
            }
        }
    }
    moved
}

/// Where a file's module is, by the file's name.
fn place(path: &str) -> Place {
    let split =
        ["/src/", "/tests/"].iter().filter_map(|folder| Some(path.find(folder)? + folder.len())).min();
    let (root, inside) = path.split_at(split.unwrap_or(0));
    let mut names: Vec<String> = inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    let is_test = root.ends_with("/tests/");
    // A file directly under tests/ or src/bin/, or a folder there, is a crate of its own.
    let own = match names.first().map(String::as_str) {
        _ if split.is_none() => names.len(),
        Some("bin") => 2,
        _ if is_test => 1,
        _ => 0,
    };
    let root = root.to_owned() + &names.drain(..own.min(names.len())).collect::<Vec<_>>().join("/");
    if matches!(names.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        names.pop();
    }
    Place { root: root.trim_end_matches('/').to_owned(), names }
}

#[cfg(test)]
mod tests {
    use super::super::SourceFile;
    use super::*;

    /// What `a` names of other modules, beside other files of the same crate.
    fn named(text: &str, others: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<SourceFile> = [("a.rs", text)]
            .iter()
            .chain(others)
            .map(|(name, text)| SourceFile { path: format!("x/src/{name}"), text: (*text).to_owned() })
            .collect();
        let (read, unreadable) = rust::read_all(&files);
        assert_eq!(unreadable, []);
        leads(&read)
            .iter()
            .filter(|lead| lead.file == "x/src/a.rs")
            .map(|lead| match &lead.item {
                Some(item) => format!("{} > {} {item}", lead.from, lead.to),
                None => format!("{} > {}", lead.from, lead.to),
            })
            .collect()
    }

    const B: (&str, &str) = ("b.rs", "pub struct Item;\npub fn f() {}\n");

    #[test]
    fn a_path_leads_to_the_module_that_defines_its_item() {
        for text in [
            "use crate::b::Item;",
            "use super::b::Item as Other;",
            "use super::b::{self as other, Item};",
            "fn f(_: crate::b::Item) {}",
            "fn f() { crate::b::Item::new(); }",
            "use crate::b; fn f() { b::Item::new(); }",
            "fn f() { g!(x, crate::b::Item { y: 1 }); }",
            "mod c { fn f() { super::super::b::Item::new(); } }",
            "#[derive(Error)] #[from(crate::b::Item)] struct X;",
        ] {
            let found = named(text, &[B]);
            assert!(found.iter().any(|one| one.ends_with(" > crate::b Item")), "{text} {found:?}");
        }
    }

    #[test]
    fn a_reexport_is_seen_through() {
        let through = |front: &str, text: &str| named(text, &[B, ("lib.rs", front)]);
        for front in ["pub use b::Item;", "pub use b::*;", "pub(crate) use self::b::{Item, f};"] {
            assert_eq!(through(front, "use crate::Item;"), ["crate::a > crate::b Item"], "{front}");
            assert_eq!(
                through(front, "use super::*; type X = Item;").last().unwrap(),
                "crate::a > crate::b Item"
            );
        }
        assert_eq!(through("pub use b::Item; pub struct Own;", "use crate::Own;"), ["crate::a > crate Own"]);
    }

    #[test]
    fn what_is_not_of_this_crate_or_of_another_module_leads_nowhere() {
        for text in [
            "use std::fmt::Display; fn f(x: &dyn Display) {}",
            "use other::b::Item;",
            "struct Item; fn f(x: Item, b: u8) { b; self::g(); Self::h(); }",
            "// use crate::b::Item;\n/// [`crate::b::Item`]\nfn f() { \"crate::b::Item\"; }",
            "pub(super) fn f() {}",
            // Names that lead to themselves, however often.
            "use c::d; use d::c; fn f() { c(); }",
        ] {
            assert_eq!(named(text, &[B]), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn modules_are_where_their_files_are() {
        for (path, root, names) in [
            ("crates/a/src/lib.rs", "crates/a/src", &[][..]),
            ("crates/a/src/b/mod.rs", "crates/a/src", &["b"]),
            ("crates/a/src/b/c.rs", "crates/a/src", &["b", "c"]),
            ("crates/a/src/bin/tool.rs", "crates/a/src/bin/tool", &[]),
            ("crates/a/tests/life.rs", "crates/a/tests/life", &[]),
            ("crates/a/tests/all/main.rs", "crates/a/tests/all", &[]),
            ("tests/lab/src/up.rs", "tests/lab/src", &["up"]),
            ("tests/lab/tests/all/c.rs", "tests/lab/tests/all", &["c"]),
            ("crates/a/build.rs", "crates/a/build", &[]),
        ] {
            let found = place(path);
            assert_eq!(
                (found.root.as_str(), found.names),
                (root, names.iter().map(ToString::to_string).collect())
            );
        }
    }

    #[test]
    fn a_file_of_another_name_belongs_to_the_module_that_declares_it() {
        let declares = "#[cfg(test)]\n#[path = \"a_tests.rs\"]\nmod tests;\nfn g() {}\n";
        let files = [("x/src/a.rs", declares), ("x/src/a_tests.rs", "use super::g;\n")]
            .map(|(path, text)| SourceFile { path: path.into(), text: text.into() });
        let (read, _) = rust::read_all(&files);
        let found = leads(&read);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].from.to_string(), found[0].to.to_string()),
            ("crate::a::tests".into(), "crate::a".into())
        );
    }
}
