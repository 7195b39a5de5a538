//! Which level the user asked for.

use tracing::level_filters::LevelFilter;

/// The level by `TF_LOG_PROVIDER`, else `TF_LOG`, read as both cores read them: any case,
/// JSON means TRACE, a word that is none of the levels means TRACE, nothing means off.
pub fn level_from(lookup: impl Fn(&str) -> Option<String>) -> LevelFilter {
    let asked = ["TF_LOG_PROVIDER", "TF_LOG"].into_iter().filter_map(lookup).find(|value| !value.is_empty());
    match asked.map(|value| value.to_uppercase()).as_deref() {
        None | Some("OFF") => LevelFilter::OFF,
        Some("ERROR") => LevelFilter::ERROR,
        Some("WARN") => LevelFilter::WARN,
        Some("INFO") => LevelFilter::INFO,
        Some("DEBUG") => LevelFilter::DEBUG,
        Some(_) => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(provider: &str, all: &str) -> LevelFilter {
        level_from(|name| match name {
            "TF_LOG_PROVIDER" => Some(provider.to_owned()),
            "TF_LOG" => Some(all.to_owned()),
            _ => None,
        })
    }

    #[test]
    fn nothing_asked_is_off() {
        assert_eq!(level_from(|_| None), LevelFilter::OFF);
        assert_eq!(level("", ""), LevelFilter::OFF);
    }

    #[test]
    fn the_provider_variable_goes_first() {
        assert_eq!(level("error", "trace"), LevelFilter::ERROR);
        assert_eq!(level("off", "trace"), LevelFilter::OFF);
        assert_eq!(level("", "Debug"), LevelFilter::DEBUG);
    }

    #[test]
    fn json_and_unknown_words_are_trace() {
        assert_eq!(level("", "json"), LevelFilter::TRACE);
        assert_eq!(level("", "loud"), LevelFilter::TRACE);
    }
}
