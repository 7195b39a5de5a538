//! Nested blocks, and what a schema and a block have in common.

use tfvalue::{Path, Step, Type};

use super::{Attribute, Rule};

/// Attributes and blocks: the inside of a schema or of a nested block.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// Markdown.
    pub description: String,
    /// What to use instead, when it is deprecated.
    pub deprecation: Option<String>,
    /// The attributes, in the order in which the documentation shows them.
    pub attributes: Vec<Attribute>,
    /// The nested blocks.
    pub blocks: Vec<Block>,
    /// Rules over several attributes.
    pub rules: Vec<Rule>,
}

impl Body {
    /// The attribute `name`.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The nested block `name`.
    pub fn block(&self, name: &str) -> Option<&Block> {
        self.blocks.iter().find(|block| block.name == name)
    }

    /// The attribute that a path in one of its values leads to, also inside of blocks.
    pub fn attribute_at(&self, path: &Path) -> Option<&Attribute> {
        let mut names = path.steps().iter().filter_map(|step| match step {
            Step::Attribute(name) => Some(name.as_str()),
            _ => None,
        });
        let first = names.next()?;
        let (mut body, mut name) = (self, first);
        for next in names {
            body = &body.block(name)?.body;
            name = next;
        }
        body.attribute(name)
    }

    /// The object type of its values: every attribute and every block.
    pub fn value_type(&self) -> Type {
        let attributes =
            self.attributes.iter().map(|attribute| (attribute.name.clone(), attribute.ty.clone()));
        let blocks = self.blocks.iter().map(|block| (block.name.clone(), block.value_type()));
        Type::object(attributes.chain(blocks))
    }

    /// Whether an attribute in it, at any depth, is write-only.
    pub fn has_write_only(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute.write_only)
            || self.blocks.iter().any(|block| block.body.has_write_only())
    }
}

/// How often a nested block may appear and what its values look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// At most once; null when absent.
    Single,
    /// Any number of times, in order.
    List,
    /// Any number of times, without order.
    Set,
    /// Any number of times, each with a label.
    Map,
    /// Once; when absent, it is there with null attributes.
    Group,
}

/// A nested block.
#[derive(Clone, Debug)]
pub struct Block {
    /// Lower-case letters, digits and underscores.
    pub name: String,
    /// How often it may appear.
    pub nesting: Nesting,
    /// The least number of times, for lists and sets; for a single block 1 makes it required.
    pub min: u32,
    /// The greatest number of times, for lists and sets; 0 is any.
    pub max: u32,
    /// What is inside.
    pub body: Body,
}

impl Block {
    fn new(name: impl Into<String>, nesting: Nesting) -> Self {
        Self { name: name.into(), nesting, min: 0, max: 0, body: Body::default() }
    }

    /// A block that may appear any number of times, in order; `Vec<M>` in a model.
    pub fn list(name: impl Into<String>) -> Self {
        Self::new(name, Nesting::List)
    }

    /// A block that may appear any number of times, without order; `Vec<M>` in a model.
    pub fn set(name: impl Into<String>) -> Self {
        Self::new(name, Nesting::Set)
    }

    /// A block that may appear once; `Option<M>` in a model.
    pub fn single(name: impl Into<String>) -> Self {
        Self::new(name, Nesting::Single)
    }

    /// A block with a label; `BTreeMap<String, M>` in a model.
    pub fn map(name: impl Into<String>) -> Self {
        Self::new(name, Nesting::Map)
    }

    /// A block that is always there, with null attributes when a person leaves it out; `M` in a model.
    pub fn group(name: impl Into<String>) -> Self {
        Self::new(name, Nesting::Group)
    }

    /// What the block is for, in Markdown.
    #[must_use]
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.body.description = text.into();
        self
    }

    /// Deprecated; the text says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, instead: impl Into<String>) -> Self {
        self.body.deprecation = Some(instead.into());
        self
    }

    /// It must appear at least this often.
    #[must_use]
    pub fn min(mut self, times: u32) -> Self {
        self.min = times;
        self
    }

    /// It may appear at most this often.
    #[must_use]
    pub fn max(mut self, times: u32) -> Self {
        self.max = times;
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, attribute: Attribute) -> Self {
        self.body.attributes.push(attribute);
        self
    }

    /// Adds several attributes.
    #[must_use]
    pub fn attributes(mut self, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        self.body.attributes.extend(attributes);
        self
    }

    /// Adds a block inside of it.
    #[must_use]
    pub fn block(mut self, block: Block) -> Self {
        self.body.blocks.push(block);
        self
    }

    /// Adds a rule over several of its attributes.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.body.rules.push(rule);
        self
    }

    /// The type of the block's value: an object, or a collection of objects.
    pub fn value_type(&self) -> Type {
        let object = self.body.value_type();
        match self.nesting {
            Nesting::Single | Nesting::Group => object,
            Nesting::List => Type::list(object),
            Nesting::Set => Type::set(object),
            Nesting::Map => Type::map(object),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_found_by_its_path() {
        let inner = Block::list("disk").attribute(Attribute::string("kind"));
        let body =
            Body { attributes: vec![Attribute::string("name")], blocks: vec![inner], ..Body::default() };
        let found = |path: Path| body.attribute_at(&path).map(|attribute| attribute.name.clone());
        let disk = Path::root().attribute("disk").index(1);
        assert_eq!(found(Path::root().attribute("name")).as_deref(), Some("name"));
        assert_eq!(found(disk.clone().attribute("kind")).as_deref(), Some("kind"));
        assert_eq!(found(disk.attribute("none")), None);
        assert_eq!(found(Path::root()), None);
    }
}
