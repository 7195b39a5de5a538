//! The table: what was measured, its limit, whether it is kept, and what to compare it with.

use std::fmt::Write as _;

use crate::samples::Samples;

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    name: String,
    value: f64,
    unit: &'static str,
    /// The smallest and largest sample, and their number.
    spread: Option<(f64, f64, usize)>,
    limit: Option<f64>,
    comparison: String,
}

impl Row {
    /// A value without a limit.
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, spread: None, limit: None, comparison: String::new() }
    }

    /// The median of samples.
    ///
    /// # Errors
    /// When there are none.
    pub(crate) fn median(
        name: impl Into<String>,
        samples: &Samples,
        unit: &'static str,
    ) -> anyhow::Result<Self> {
        let (least, most) = samples.spread();
        let spread = Some((least, most, samples.count()));
        Ok(Self { spread, ..Self::new(name, samples.median()?, unit) })
    }

    /// The value must not be above this.
    pub(crate) fn limit(self, limit: f64) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// What was measured beside it.
    pub(crate) fn beside(self, comparison: impl Into<String>) -> Self {
        Self { comparison: comparison.into(), ..self }
    }

    fn is_missed(&self) -> bool {
        self.limit.is_some_and(|limit| self.value > limit)
    }

    fn cells(&self) -> [String; 5] {
        let verdict = match self.limit {
            None => "",
            Some(_) if self.is_missed() => "MISSED",
            Some(_) => "ok",
        };
        let range = self
            .spread
            .map(|(least, most, count)| format!("{} .. {} (n={count})", number(least), number(most)));
        let mut beside = range.unwrap_or_default();
        if !self.comparison.is_empty() {
            let separator = if beside.is_empty() { "" } else { "; " };
            let _ = write!(beside, "{separator}{}", self.comparison);
        }
        [
            self.name.clone(),
            format!("{} {}", number(self.value), self.unit),
            self.limit.map(|limit| format!("{} {}", number(limit), self.unit)).unwrap_or_default(),
            verdict.to_owned(),
            beside,
        ]
    }
}

/// All lines.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<[String; 5]>,
    missed: usize,
    unmeasured: usize,
}

impl Table {
    /// Adds a line.
    pub(crate) fn add(&mut self, row: Row) {
        self.missed += usize::from(row.is_missed());
        self.rows.push(row.cells());
    }

    /// Adds a line for what could not be measured.
    pub(crate) fn unmeasured(&mut self, name: &str, why: &str) {
        self.unmeasured += 1;
        let why = why.lines().next().unwrap_or_default().to_owned();
        self.rows.push([name.to_owned(), "not measured".to_owned(), String::new(), "FAILED".to_owned(), why]);
    }

    /// Whether everything was measured.
    pub(crate) fn is_whole(&self) -> bool {
        self.unmeasured == 0
    }

    /// The table as text.
    pub(crate) fn render(&self) -> String {
        let head = ["", "median", "limit", "", "range; measured beside it"].map(str::to_owned);
        let lines: Vec<&[String; 5]> = std::iter::once(&head).chain(&self.rows).collect();
        let width =
            |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
        let widths: [usize; 5] = std::array::from_fn(width);
        let mut text = String::new();
        for [name, value, limit, verdict, beside] in lines {
            let [a, b, c, d, _] = widths;
            let line = format!("{name:a$}  {value:>b$}  {limit:>c$}  {verdict:d$}  {beside}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        let Self { missed, unmeasured, .. } = self;
        let _ = writeln!(text, "limits missed: {missed}; not measured: {unmeasured}");
        text
    }
}

/// Three digits that matter, or so.
fn number(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 && value.fract() != 0.0 => format!("{value:.2}"),
        size if size < 100.0 && value.fract() != 0.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_limit_and_a_failure_are_marked() {
        let mut table = Table::default();
        table.add(Row::new("start", 1.254, "ms").limit(3.0));
        table.add(Row::new("size", 21.0, "MB").limit(20.0).beside("last time 19"));
        assert!(table.is_whole());
        table.unmeasured("plan", "no CLI\nmore");
        let expected = "\
                  median  limit          range; measured beside it
start            1.25 ms   3 ms  ok
size               21 MB  20 MB  MISSED  last time 19
plan        not measured         FAILED  no CLI
limits missed: 1; not measured: 1
";
        let text = table.render();
        let squeezed = |text: &str| -> Vec<Vec<String>> {
            text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
        };
        assert_eq!(squeezed(&text), squeezed(expected));
        assert!(!table.is_whole());
    }

    #[test]
    fn a_value_on_its_limit_keeps_it() {
        assert!(!Row::new("x", 3.0, "ms").limit(3.0).is_missed());
        assert!(Row::new("x", 3.001, "ms").limit(3.0).is_missed());
        assert!(!Row::new("x", 3.0, "ms").is_missed());
    }
}
