//! Ports as policies write them: `22`, `80,443`, `8000-8999`, `*`.

/// Whether the text is such a list.
pub(super) fn is_valid(text: &str) -> bool {
    text == "*" || (!text.is_empty() && text.split(',').all(|part| range(part.trim()).is_some()))
}

/// Whether `port` is in it.
pub(super) fn contains(text: &str, port: u16) -> bool {
    text == "*"
        || text
            .split(',')
            .filter_map(|part| range(part.trim()))
            .any(|(first, last)| (first..=last).contains(&port))
}

fn range(text: &str) -> Option<(u16, u16)> {
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    match text.split_once('-') {
        Some((first, last)) => Some((number(first)?, number(last)?)).filter(|(first, last)| first <= last),
        None => number(text).map(|port| (port, port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges_are_understood() {
        for text in ["*", "22", "80,443", "8000-8999", "22, 80-90"] {
            assert!(is_valid(text), "{text}");
        }
        for text in ["", "0", "ssh", "90-80", "70000", "22,"] {
            assert!(!is_valid(text), "{text}");
        }
        assert!(contains("20-30,443", 22) && contains("*", 1) && !contains("23,24", 22));
    }
}
