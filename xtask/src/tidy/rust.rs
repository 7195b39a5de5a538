//! What a Rust file names: its modules with their items, imports and paths, and
//! its identifiers, macros and strings.
//!
//! Taken from the syntax tree, so that comments and documentation are never
//! seen. The bodies of macros are no tree; their tokens are read for the same.

use super::{SourceFile, Violation};
use proc_macro2::{Spacing, Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Ident, Item, ItemMod, ItemUse, Lit, UseTree, Visibility};

/// Something found, and the line where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub line: usize,
    pub text: String,
}

/// A file of Rust as the rules see it.
pub struct RustFile<'a> {
    /// Relative to the root of the checkout.
    pub path: &'a str,
    pub identifiers: Vec<Found>,
    /// What string literals say, escapes resolved.
    pub strings: Vec<Found>,
    /// The last names of macros that are called.
    pub macros: Vec<Found>,
    /// The file's own module, then the ones that are written inside of it.
    pub modules: Vec<Module>,
}

/// One module, as far as one file says what is in it.
#[derive(Default)]
pub struct Module {
    /// Names from the file's own module (which has none) down to this one.
    pub inside: Vec<String>,
    /// Functions, types, constants and the like.
    pub items: Vec<String>,
    /// Modules in files of their own that have another name than theirs.
    pub elsewhere: Vec<Elsewhere>,
    pub paths: Vec<Path>,
}

/// `#[path = "file"] mod name;`
pub struct Elsewhere {
    pub name: String,
    pub file: String,
}

/// A path that a module names.
pub struct Path {
    pub line: usize,
    pub segments: Vec<String>,
    pub role: Role,
}

/// What a path is there for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// In the middle of code.
    Mention,
    /// In a `use` that gives it this name.
    Import { name: String, is_public: bool },
    /// In a `use` with a star at its end.
    Glob { is_public: bool },
}

impl RustFile<'_> {
    /// Every path of the file, whatever module names it.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.modules.iter().flat_map(|module| &module.paths)
    }
}

/// Reads the files that are Rust, and says of which it cannot.
///
/// This is most of what tidy costs, so all processors take part.
pub fn read_all(files: &[SourceFile]) -> (Vec<RustFile<'_>>, Vec<Violation>) {
    let files: Vec<&SourceFile> = files.iter().filter(|file| file.is_rust()).collect();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let read: Vec<Result<RustFile, Violation>> = std::thread::scope(|scope| {
        // Neighbours are of a size; every n-th file spreads the large ones.
        let share = |nth: usize| files.iter().skip(nth).step_by(processors).copied().map(read);
        let readers: Vec<_> =
            (0..processors).map(|nth| scope.spawn(move || share(nth).collect::<Vec<_>>())).collect();
        readers
            .into_iter()
            .flat_map(|reader| reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let (good, bad): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
    (good.into_iter().filter_map(Result::ok).collect(), bad.into_iter().filter_map(Result::err).collect())
}

fn read(file: &SourceFile) -> Result<RustFile<'_>, Violation> {
    let tree = syn::parse_file(&file.text).map_err(|error| {
        let place = format!("{}:{}", file.path, line(error.span()));
        Violation::new(place, format!("cannot be read as Rust: {error}"))
    })?;
    let read = RustFile {
        path: &file.path,
        identifiers: Vec::new(),
        strings: Vec::new(),
        macros: Vec::new(),
        modules: vec![Module::default()],
    };
    let mut reader = Reader { file: read, current: 0 };
    reader.visit_file(&tree);
    Ok(reader.file)
}

fn line(span: Span) -> usize {
    span.start().line
}

/// Walks the tree; `current` is the module it is in.
struct Reader<'a> {
    file: RustFile<'a>,
    current: usize,
}

impl Reader<'_> {
    fn module(&mut self) -> &mut Module {
        &mut self.file.modules[self.current]
    }

    fn path(&mut self, span: Span, segments: Vec<String>, role: Role) {
        self.module().paths.push(Path { line: line(span), segments, role });
    }

    fn literal(&mut self, literal: &Lit) {
        let text = match literal {
            Lit::Str(text) => text.value(),
            Lit::ByteStr(bytes) => String::from_utf8_lossy(&bytes.value()).into_owned(),
            Lit::CStr(text) => text.value().to_string_lossy().into_owned(),
            _ => return,
        };
        self.file.strings.push(Found { line: line(literal.span()), text });
    }

    /// The paths of a `use`, however its braces nest.
    fn import(&mut self, tree: &UseTree, before: &[String], is_public: bool) {
        let mut segments = before.to_vec();
        let (last, name) = match tree {
            UseTree::Path(path) => {
                segments.push(path.ident.to_string());
                return self.import(&path.tree, &segments, is_public);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(tree, before, is_public));
            }
            UseTree::Glob(glob) => {
                return self.path(glob.star_token.spans[0], segments, Role::Glob { is_public });
            }
            UseTree::Name(name) => (&name.ident, &name.ident),
            UseTree::Rename(rename) => (&rename.ident, &rename.rename),
        };
        // `use a::{self}` imports what is before it, by its own name.
        let is_itself = last == "self" && !segments.is_empty();
        let name = match segments.last() {
            Some(itself) if is_itself && name == "self" => itself.clone(),
            _ => name.to_string(),
        };
        if !is_itself {
            segments.push(last.to_string());
        }
        self.path(last.span(), segments, Role::Import { name, is_public });
    }

    /// Paths, macros and literals among tokens that have no tree.
    fn tokens(&mut self, tokens: &TokenStream) {
        let mut segments: Vec<Ident> = Vec::new();
        let mut colons = 0;
        let mut is_field = false;
        let mut tokens = tokens.clone().into_iter().peekable();
        while let Some(token) = tokens.next() {
            match &token {
                TokenTree::Ident(ident) => {
                    self.visit_ident(ident);
                    if colons != 2 {
                        self.mention(&std::mem::take(&mut segments));
                    }
                    if !is_field {
                        segments.push(ident.clone());
                    }
                    (colons, is_field) = (0, false);
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Punct(punct) => {
                    let calls = punct.as_char() == '!' && punct.spacing() == Spacing::Alone;
                    if calls
                        && let Some(name) = segments.last()
                        && matches!(tokens.peek(), Some(TokenTree::Group(_)))
                    {
                        self.file.macros.push(Found { line: line(name.span()), text: name.to_string() });
                    }
                    is_field = punct.as_char() == '.' && punct.spacing() == Spacing::Alone;
                }
                TokenTree::Group(group) => self.tokens(&group.stream()),
                TokenTree::Literal(literal) => self.literal(&Lit::new(literal.clone())),
            }
            colons = 0;
            self.mention(&std::mem::take(&mut segments));
        }
        self.mention(&segments);
    }

    fn mention(&mut self, segments: &[Ident]) {
        if let Some(first) = segments.first() {
            let names = segments.iter().map(ToString::to_string).collect();
            self.path(first.span(), names, Role::Mention);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if !attribute.path().is_ident("doc") {
            visit::visit_attribute(self, attribute);
        }
    }

    /// `pub(super)` is no use of `super`.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_item(&mut self, item: &'ast Item) {
        self.module().items.extend(item_name(item).map(ToString::to_string));
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let name = item.ident.to_string();
        let outer = self.current;
        match (&item.content, file_attribute(&item.attrs)) {
            (Some(_), _) => {
                let mut inside = self.module().inside.clone();
                inside.push(name);
                self.current = self.file.modules.len();
                self.file.modules.push(Module { inside, ..Module::default() });
            }
            (None, Some(file)) => self.module().elsewhere.push(Elsewhere { name, file }),
            (None, None) => {}
        }
        visit::visit_item_mod(self, item);
        self.current = outer;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_public = !matches!(item.vis, Visibility::Inherited);
        self.import(&item.tree, &[], is_public);
        visit::visit_item_use(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<Ident> = path.segments.iter().map(|segment| segment.ident.clone()).collect();
        self.mention(&names);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(last) = call.path.segments.last() {
            self.file.macros.push(Found { line: line(last.ident.span()), text: last.ident.to_string() });
        }
        visit::visit_macro(self, call);
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        self.tokens(tokens);
    }

    fn visit_lit(&mut self, literal: &'ast Lit) {
        self.literal(literal);
    }

    fn visit_ident(&mut self, ident: &'ast Ident) {
        self.file.identifiers.push(Found { line: line(ident.span()), text: ident.to_string() });
    }
}

fn item_name(item: &Item) -> Option<&Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::TraitAlias(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}

/// What `#[path = "…"]` says.
fn file_attribute(attributes: &[Attribute]) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.path().is_ident("path"))?;
    match &attribute.meta.require_name_value().ok()?.value {
        Expr::Lit(value) => match &value.lit {
            Lit::Str(file) => Some(file.value()),
            _ => None,
        },
        _ => None,
    }
}

/// The words that a name or a text is made of, in lower case: `DockerHost` and
/// `docker_host` both give `docker` and `host`.
pub fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut previous_is_lower = false;
    for c in text.chars().chain([' ']) {
        let starts_new = c.is_uppercase() && previous_is_lower;
        if (!c.is_alphanumeric() || starts_new) && !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        previous_is_lower = c.is_lowercase() || c.is_numeric();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &[Found]) -> Vec<&str> {
        found.iter().map(|one| one.text.as_str()).collect()
    }

    fn check(text: &str, check: impl Fn(RustFile)) {
        let file = SourceFile { path: "a.rs".into(), text: text.into() };
        let (mut files, unreadable) = read_all(std::slice::from_ref(&file));
        assert_eq!(unreadable, []);
        check(files.remove(0));
    }

    #[test]
    fn comments_go_and_lines_stay() {
        let text = "fn a() {} // one\n/* two /* nested */\n still */ fn b() {}\n/// doc\nfn c() {}";
        check(text, |file| {
            let lines: Vec<usize> = file.identifiers.iter().map(|one| one.line).collect();
            assert_eq!((names(&file.identifiers), lines), (vec!["a", "b", "c"], vec![1, 3, 5]));
            assert_eq!(file.strings, []);
        });
    }

    #[test]
    fn strings_are_told_from_code_in_macros_too() {
        let text = r###"fn f() { g!("in // string", 'q', b"bytes\"", 'a: loop {}); h(r#"raw " here"#, c"c", '\''); }"###;
        check(text, |file| {
            assert_eq!(names(&file.strings), ["in // string", "bytes\"", "raw \" here", "c"]);
            assert_eq!(names(&file.identifiers), ["f", "g", "a", "loop", "h"]);
            assert_eq!(names(&file.macros), ["g"]);
        });
    }

    #[test]
    fn macros_in_macros_are_calls_and_comparisons_are_not() {
        check("fn f() { a! { b::c!(d != e) }; assert!(x != (y)); }", |file| {
            assert_eq!(names(&file.macros), ["a", "c", "assert"]);
        });
    }

    #[test]
    fn every_import_is_a_path_of_its_own() {
        check("use a::{b::{self, c as d}, e::*};\npub use f;", |file| {
            let paths: Vec<(String, &Role)> =
                file.paths().map(|path| (path.segments.join("::"), &path.role)).collect();
            let import = |name: &str, is_public| Role::Import { name: name.into(), is_public };
            assert_eq!(
                paths,
                [
                    ("a::b".into(), &import("b", false)),
                    ("a::b::c".into(), &import("d", false)),
                    ("a::e".into(), &Role::Glob { is_public: false }),
                    ("f".into(), &import("f", true)),
                ]
            );
        });
    }

    #[test]
    fn what_is_not_rust_is_named_with_its_line() {
        let file = SourceFile { path: "a.rs".into(), text: "\nfn {\n".into() };
        let (read, unreadable) = read_all(std::slice::from_ref(&file));
        assert_eq!(read.len(), 0);
        assert!(unreadable[0].to_string().starts_with("a.rs:2: cannot be read as Rust: "), "{unreadable:?}");
    }

    #[test]
    fn words_are_split_as_people_read_them() {
        assert_eq!(
            words("let DockerHost_1 = ssh_key;\nrussh"),
            ["let", "docker", "host", "1", "ssh", "key", "russh"]
        );
    }
}
