//! The outputs of what was built: where it is, for those that look at it.

use std::collections::BTreeMap;

use secret::{Scrubber, Secret};
use serde::Deserialize;
use serde_json::Value;

/// What stands before the name of an output in a setting.
const BEGIN: &str = "{output.";

/// What the variables are called that commands get them by.
const VARIABLE: &str = "WINDLASS_OUTPUT_";

/// An output.
#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    sensitive: bool,
    value: Value,
}

/// All of them.
#[derive(Default)]
pub struct Outputs(BTreeMap<String, Output>);

impl Outputs {
    /// Those of what `output -json` prints.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        if json.trim().is_empty() { Ok(Self::default()) } else { serde_json::from_str(json).map(Self) }
    }

    /// A text in which `{output.NAME}` stands for outputs. What it becomes is in reports, so nothing sensitive is.
    ///
    /// # Errors
    /// When one is not there, is sensitive or no text.
    pub fn fill(&self, text: &str) -> Result<String, String> {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once(BEGIN) {
            let (name, after) =
                after.split_once('}').ok_or_else(|| format!("`{text}` has an open brace: {BEGIN}NAME}}"))?;
            filled += before;
            filled += &self.text(name)?;
            rest = after;
        }
        Ok(filled + rest)
    }

    fn text(&self, name: &str) -> Result<String, String> {
        let Some(output) = self.0.get(name) else {
            let all: Vec<&str> = self.0.keys().map(String::as_str).collect();
            let all = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
            return Err(format!("The configuration does not have the output {name:?}; it has: {all}"));
        };
        if output.sensitive {
            return Err(format!(
                "The output {name:?} is sensitive, and would be in the report: a command gets it as {VARIABLE}{name}"
            ));
        }
        match &output.value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(is_set) => Ok(is_set.to_string()),
            Value::Null => Err(format!("The output {name:?} is null")),
            Value::Array(_) | Value::Object(_) => {
                Err(format!("The output {name:?} is a list or an object, and not a text"))
            }
        }
    }

    /// The same as variables of the environment: texts as they are, everything else as JSON.
    pub fn environment(&self) -> Vec<(String, Secret)> {
        self.0.iter().map(|(name, output)| (format!("{VARIABLE}{name}"), output.spelled())).collect()
    }

    /// What a command has said that got them, without those that are sensitive.
    pub fn scrubbed(&self, said: &str) -> String {
        let sensitive = self.0.values().filter(|output| output.sensitive);
        Scrubber::new(sensitive.map(Output::spelled)).scrub(said)
    }
}

impl Output {
    fn spelled(&self) -> Secret {
        Secret::new(match &self.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs() -> Outputs {
        Outputs::parse(
            r#"{"address":{"sensitive":false,"type":"string","value":"192.0.2.1"},"port":{"value":8080},
                "password":{"sensitive":true,"value":"hunter2"},"list":{"value":[1]}}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_setting_has_the_outputs_in_it() {
        let outputs = outputs();
        assert_eq!(
            outputs.fill("http://{output.address}:{output.port}/{x}").as_deref(),
            Ok("http://192.0.2.1:8080/{x}")
        );
        for (text, problem) in [
            (
                "{output.name}",
                "The configuration does not have the output \"name\"; it has: address, list, password, port",
            ),
            (
                "{output.password}",
                "The output \"password\" is sensitive, and would be in the report: a command gets it as WINDLASS_OUTPUT_password",
            ),
            ("{output.list}", "The output \"list\" is a list or an object, and not a text"),
            ("{output.address", "`{output.address` has an open brace: {output.NAME}"),
        ] {
            assert_eq!(outputs.fill(text), Err(problem.to_owned()));
        }
    }

    #[test]
    fn commands_get_all_of_them() {
        let told: Vec<(String, String)> = outputs()
            .environment()
            .into_iter()
            .map(|(name, value)| (name, value.expose().to_owned()))
            .collect();
        assert!(told.contains(&("WINDLASS_OUTPUT_password".into(), "hunter2".into())));
        assert!(told.contains(&("WINDLASS_OUTPUT_list".into(), "[1]".into())));
        let said = outputs().scrubbed("at 192.0.2.1 with hunter2");
        assert!(said.starts_with("at 192.0.2.1 with ") && !said.contains("hunter2"), "{said}");
        assert!(Outputs::parse(" ").unwrap().environment().is_empty());
    }
}
