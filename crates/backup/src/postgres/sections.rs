//! SQL of one's own between the sections of a dump.

/// SQL that runs while a dump is restored, in the database that it is restored to: before and after each of the three
/// sections that `pg_restore` knows. Extensions that the role may not make as the dump would have it, for example, are
/// made here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sections {
    /// Before types, tables and functions.
    pub before_pre_data: String,
    /// Before the rows.
    pub before_data: String,
    /// Before indexes, constraints and triggers.
    pub before_post_data: String,
    /// After all of it.
    pub after_post_data: String,
}

/// What happens next while a dump is restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// SQL runs: where that is, in words, and the SQL.
    Sql(&'static str, &'a str),
    /// A section of the dump is restored.
    Section(&'static str),
}

impl Sections {
    /// What happens, in order.
    pub(super) fn steps(&self) -> Vec<Step<'_>> {
        let steps = [
            Step::Sql("before the section pre-data", &self.before_pre_data),
            Step::Section("pre-data"),
            Step::Sql("before the section data", &self.before_data),
            Step::Section("data"),
            Step::Sql("before the section post-data", &self.before_post_data),
            Step::Section("post-data"),
            Step::Sql("after the section post-data", &self.after_post_data),
        ];
        let says = |step: &Step<'_>| !matches!(step, Step::Sql(_, sql) if sql.trim().is_empty());
        steps.into_iter().filter(says).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_come_in_order_with_the_sql_between_them() {
        let sections = Sections {
            before_pre_data: "CREATE EXTENSION vector".into(),
            before_post_data: " \n".into(),
            after_post_data: "ANALYZE".into(),
            ..Sections::default()
        };
        assert_eq!(
            sections.steps(),
            [
                Step::Sql("before the section pre-data", "CREATE EXTENSION vector"),
                Step::Section("pre-data"),
                Step::Section("data"),
                Step::Section("post-data"),
                Step::Sql("after the section post-data", "ANALYZE"),
            ]
        );
    }
}
