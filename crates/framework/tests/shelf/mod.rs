//! A resource in memory that uses everything the framework has.
#![allow(clippy::unwrap_used, missing_docs, dead_code)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use framework::{
    Apply, Attribute, Block, Context, Diagnostic, Diagnostics, Field, Model, Operation, Plan, Resource, Rule,
    Schema, State, Timeouts, Type, async_trait, validate,
};
use secret::Secret;
use serde::{Deserialize, Serialize};

#[derive(Clone, Model)]
pub struct BookModel {
    pub title: Field<String>,
    pub kind: Field<String>,
    pub tags: Field<Vec<String>>,
    pub lock_wo: Field<Secret>,
    pub lock_version: Field<String>,
    pub id: Field<String>,
    pub pages: Field<u64>,
    pub chapter: Vec<ChapterModel>,
}

#[derive(Clone, Model)]
pub struct ChapterModel {
    pub pages: Field<u64>,
    pub url: Field<String>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Memory {
    pub writes: u32,
}

#[derive(Clone, Default)]
struct Book {
    kind: String,
    pages: Vec<u64>,
    lock: Option<String>,
}

/// The remote system.
#[derive(Clone, Default)]
pub struct Shelf {
    books: Arc<Mutex<BTreeMap<String, Book>>>,
    limit: Arc<Mutex<Option<Duration>>>,
}

impl Shelf {
    pub fn titles(&self) -> Vec<String> {
        self.books.lock().unwrap().keys().cloned().collect()
    }

    pub fn tear_out_pages(&self, title: &str) {
        for pages in &mut self.books.lock().unwrap().get_mut(title).unwrap().pages {
            *pages = 0;
        }
    }

    pub fn steal(&self, title: &str) {
        self.books.lock().unwrap().remove(title);
    }

    pub fn lock_of(&self, title: &str) -> Option<String> {
        self.books.lock().unwrap().get(title)?.lock.clone()
    }

    pub fn last_limit(&self) -> Option<Duration> {
        *self.limit.lock().unwrap()
    }

    fn write(&self, cx: &Context, apply: &mut Apply<Self>) {
        *self.limit.lock().unwrap() = cx.timeout(cx.operation());
        let mut model = apply.planned.clone();
        let title = model.title.clone().known_or_default();
        let book = Book {
            kind: model.kind.clone().known_or_default(),
            pages: model.chapter.iter().map(|chapter| chapter.pages.known_or_default()).collect(),
            lock: apply.config.lock_wo.known().map(|lock| lock.expose().to_owned()),
        };
        fill(&mut model, &title, &book);
        self.books.lock().unwrap().insert(title, book);
        apply.record(model, Memory { writes: apply.private.writes + 1 });
    }
}

/// Remote to model, the one place.
fn fill(model: &mut BookModel, title: &str, book: &Book) {
    model.id = format!("book/{title}").into();
    model.kind = book.kind.as_str().into();
    model.pages = book.pages.iter().sum::<u64>().into();
    model.chapter.truncate(book.pages.len());
    for (index, pages) in book.pages.iter().enumerate() {
        let chapter = ChapterModel { pages: (*pages).into(), url: format!("{title}/{index}").into() };
        match model.chapter.get_mut(index) {
            Some(known) => *known = chapter,
            None => model.chapter.push(chapter),
        }
    }
}

#[async_trait]
impl Resource for Shelf {
    type Model = BookModel;
    type Private = Memory;

    fn type_name(&self) -> &'static str {
        "test_book"
    }

    fn schema(&self) -> Schema {
        Schema::new(1)
            .describe("A book.")
            .attributes([
                Attribute::string("title")
                    .required()
                    .requires_replace()
                    .validate(validate::length(1, 20))
                    .describe("Its title."),
                Attribute::string("kind")
                    .default("novel")
                    .validate(validate::one_of(["novel", "manual"]))
                    .describe("What kind of book it is."),
                Attribute::list("tags", Type::String)
                    .validate(validate::each(validate::non_empty()))
                    .describe("Tags."),
                Attribute::string("lock_wo")
                    .write_only()
                    .older_cores_use("kind")
                    .describe("Who may read it."),
                Attribute::string("lock_version").describe("Another value locks again."),
                Attribute::string("id").computed().keep_on_update().describe("Its identifier."),
                Attribute::number("pages").computed().describe("How many pages it has."),
            ])
            .block(
                Block::list("chapter")
                    .max(5)
                    .describe("Its chapters.")
                    .attribute(
                        Attribute::number("pages")
                            .required()
                            .validate(validate::between(1, 99))
                            .describe("Pages."),
                    )
                    .attribute(Attribute::string("url").computed().describe("Where it is.")),
            )
            .rule(Rule::required_with("lock_wo", ["lock_version"]))
            .timeouts(Timeouts::new().create(5).delete(1))
    }

    async fn validate(&self, _: &Context, config: &BookModel, problems: &mut Diagnostics) {
        if config.kind.as_str() == Some("manual") && config.title.as_str() == Some("b") {
            problems.push(Diagnostic::error("No manual is called b").at("title"));
        }
    }

    async fn read(&self, _: &Context, mut state: State<Self>) -> Result<Option<State<Self>>, Diagnostics> {
        let title = state.model.title.clone().known_or_default();
        let Some(book) = self.books.lock().unwrap().get(&title).cloned() else { return Ok(None) };
        fill(&mut state.model, &title, &book);
        Ok(Some(state))
    }

    async fn plan(&self, _: &Context, plan: &mut Plan<Self>) -> Result<(), Diagnostics> {
        let known: Option<Vec<u64>> =
            plan.planned.chapter.iter().map(|chapter| chapter.pages.known().copied()).collect();
        plan.planned.pages = known.map_or(Field::Unknown, |pages| Field::Known(pages.iter().sum()));
        for (index, chapter) in plan.planned.chapter.iter_mut().enumerate() {
            chapter.url = plan.planned.title.as_ref().map(|title| format!("{title}/{index}"));
        }
        Ok(())
    }

    async fn create(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        self.write(cx, apply);
        Ok(())
    }

    async fn update(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        self.write(cx, apply);
        Ok(())
    }

    async fn delete(&self, cx: &Context, state: State<Self>) -> Result<(), Diagnostics> {
        *self.limit.lock().unwrap() = cx.timeout(Operation::Delete);
        self.books.lock().unwrap().remove(&state.model.title.known_or_default());
        Ok(())
    }

    async fn import(&self, _: &Context, id: &str) -> Result<State<Self>, Diagnostics> {
        let title = id.strip_prefix("book/").ok_or_else(|| {
            Diagnostic::error(format!("Could not import book {id:?}"))
                .detail("The id has the form `book/<title>`.")
        })?;
        Ok(State::new(BookModel { title: title.into(), ..BookModel::nothing() }))
    }

    async fn upgrade(
        &self,
        from: i64,
        mut state: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostics> {
        // Version 0 called the title `name`.
        if from == 0 {
            let name = state.get("name").cloned().unwrap_or_default();
            state["title"] = name;
        }
        Ok(state)
    }
}
