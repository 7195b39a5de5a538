//! Pages of the registry's layout: a pure function from a schema and examples
//! to a set of files.

use super::blocks;
use super::model::{Function, Parameter, ProviderSchema, Schema};
use super::types;
use std::collections::BTreeMap;

/// Files by their path relative to their folder (`docs` or `examples`).
pub type Files = BTreeMap<String, String>;

const NOTICE: &str = "<!-- Generated from the provider's schema and examples/ by `make docs`. \
     Change those, not this file. -->";

/// What documents of one kind have in common.
struct Kind {
    /// The folder in docs/ and in examples/.
    folder: &'static str,
    /// As in `windlass_file (Resource)`.
    title: &'static str,
    /// The example every page must have.
    example: &'static str,
}

const RESOURCE: Kind = Kind { folder: "resources", title: "Resource", example: "resource.tf" };
const DATA_SOURCE: Kind = Kind { folder: "data-sources", title: "Data Source", example: "data-source.tf" };
const EPHEMERAL: Kind =
    Kind { folder: "ephemeral-resources", title: "Ephemeral Resource", example: "ephemeral-resource.tf" };
const FUNCTION: Kind = Kind { folder: "functions", title: "Function", example: "function.tf" };

/// The folders whose files are all generated; others in docs/ are left alone.
pub const FOLDERS: [&str; 4] = [RESOURCE.folder, DATA_SOURCE.folder, EPHEMERAL.folder, FUNCTION.folder];

/// All pages for the provider called `provider`, or everything that is missing.
///
/// # Errors
/// One text per missing description or example, all of them at once.
pub fn render(provider: &str, schema: &ProviderSchema, examples: &Files) -> Result<Files, Vec<String>> {
    let mut writer = Writer { provider, examples, pages: Files::new(), problems: Vec::new() };
    writer.index(&schema.provider);
    for (kind, schemas) in [
        (RESOURCE, &schema.resource_schemas),
        (DATA_SOURCE, &schema.data_source_schemas),
        (EPHEMERAL, &schema.ephemeral_resource_schemas),
    ] {
        for (name, schema) in schemas {
            writer.schema(&kind, name, schema);
        }
    }
    for (name, function) in &schema.functions {
        writer.function(name, function);
    }
    if writer.problems.is_empty() { Ok(writer.pages) } else { Err(writer.problems) }
}

struct Writer<'a> {
    provider: &'a str,
    examples: &'a Files,
    pages: Files,
    problems: Vec<String>,
}

impl Writer<'_> {
    fn index(&mut self, schema: &Schema) {
        let provider = self.provider;
        let description = self.described("the provider", &schema.block.description);
        let mut page = front_matter(&format!("Provider: {provider}"), &description);
        page += &format!("# {provider} Provider\n\n{description}\n\n");
        page += &self.usage("provider", "provider.tf");
        page += &blocks::render(&schema.block, "the provider", &mut self.problems);
        self.pages.insert("index.md".to_owned(), page);
    }

    fn schema(&mut self, kind: &Kind, name: &str, schema: &Schema) {
        let subject = format!("{} {name}", kind.title.to_lowercase());
        let description = self.described(&subject, &schema.block.description);
        let mut page = self.head(kind, name, &description);
        if schema.block.deprecated {
            page += "~> **Deprecated:** this will be removed in a later version.\n\n";
        }
        page += &self.usage(&format!("{}/{name}", kind.folder), kind.example);
        page += &blocks::render(&schema.block, &subject, &mut self.problems);
        page += &self.import(&format!("{}/{name}", kind.folder));
        self.insert(kind, name, page);
    }

    fn function(&mut self, name: &str, function: &Function) {
        let subject = format!("function {name}");
        let description = self.described(&subject, &function.description);
        let summary = if function.summary.is_empty() { &description } else { &function.summary };
        let mut page = front_matter(&format!("{name} Function - {}", self.provider), summary);
        page += &format!("# {name} (Function)\n\n{description}\n\n");
        page += &self.usage(&format!("{}/{name}", FUNCTION.folder), FUNCTION.example);
        page += &format!("## Signature\n\n```text\n{}\n```\n", signature(name, function));
        let parameters: Vec<&Parameter> =
            function.parameters.iter().chain(&function.variadic_parameter).collect();
        if !parameters.is_empty() {
            page += "\n## Arguments\n\n";
        }
        for parameter in parameters {
            let what = self.described(&format!("{subject}: {}", parameter.name), &parameter.description);
            let value_type = types::name(&parameter.value_type);
            page += &format!("1. `{}` ({value_type}) {what}\n", parameter.name);
        }
        self.insert(&FUNCTION, name, page);
    }

    fn head(&self, kind: &Kind, name: &str, description: &str) -> String {
        let title = format!("{name} {} - {}", kind.title, self.provider);
        front_matter(&title, description) + &format!("# {name} ({})\n\n{description}\n\n", kind.title)
    }

    fn insert(&mut self, kind: &Kind, name: &str, page: String) {
        let short = name.strip_prefix(&format!("{}_", self.provider)).unwrap_or(name);
        self.pages.insert(format!("{}/{short}.md", kind.folder), page);
    }

    fn described(&mut self, subject: &str, description: &str) -> String {
        if description.trim().is_empty() {
            self.problems.push(format!("{subject} has no description"));
        }
        description.trim().to_owned()
    }

    /// The main example first, then the others of its folder by name.
    fn usage(&mut self, folder: &str, main: &str) -> String {
        let main = format!("{folder}/{main}");
        if !self.examples.contains_key(&main) {
            self.problems.push(format!("examples/{main} is missing"));
        }
        let others = self.examples.keys().filter(|path| {
            let inside = path.strip_prefix(&format!("{folder}/"));
            **path != main
                && inside
                    .is_some_and(|name| name.ends_with(".tf") && name != "import.tf" && !name.contains('/'))
        });
        let mut text = String::from("## Example Usage\n\n");
        for path in std::iter::once(&main).chain(others) {
            text += &fence("terraform", self.examples.get(path));
        }
        text
    }

    fn import(&self, folder: &str) -> String {
        let shell = self.examples.get(&format!("{folder}/import.sh"));
        let block = self.examples.get(&format!("{folder}/import.tf"));
        if shell.is_none() && block.is_none() {
            return String::new();
        }
        let mut text = String::from("\n## Import\n\n");
        if block.is_some() {
            text += "With an `import` block:\n\n";
            text += &fence("terraform", block);
        }
        if shell.is_some() {
            text += "On the command line:\n\n";
            text += &fence("shell", shell);
        }
        text.truncate(text.trim_end().len());
        text + "\n"
    }
}

fn fence(language: &str, text: Option<&String>) -> String {
    text.map_or_else(String::new, |text| format!("```{language}\n{}\n```\n\n", text.trim_end()))
}

/// The registry takes the title and the description from here; the latter is
/// the first paragraph.
fn front_matter(title: &str, description: &str) -> String {
    let paragraph = description.split("\n\n").next().unwrap_or_default();
    let indented: String = paragraph.lines().map(|line| format!("  {}\n", line.trim())).collect();
    format!("---\npage_title: \"{title}\"\nsubcategory: \"\"\ndescription: |-\n{indented}---\n\n{NOTICE}\n\n")
}

fn signature(name: &str, function: &Function) -> String {
    let typed = |parameter: &Parameter| format!("{} {}", parameter.name, types::hcl(&parameter.value_type));
    let mut parameters: Vec<String> = function.parameters.iter().map(typed).collect();
    if let Some(variadic) = &function.variadic_parameter {
        parameters.push(format!("{}...", typed(variadic)));
    }
    let result = types::hcl(&function.return_type);
    format!("{name}({}) {result}", parameters.join(", "))
}
