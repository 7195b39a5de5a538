//! What SOPS says of a file in its part `sops`.

use crate::error::Error;
use crate::rules::Rules;
use crate::value::Value;

/// Files say which SOPS has written them, and SOPS reads that as a version of its own.
const VERSION: &str = "3.13.3";

/// Lists of keys that other programs than age unwrap, and what people call them.
const OTHER_KEYS: [(&str, &str); 6] = [
    ("pgp", "PGP"),
    ("kms", "AWS KMS"),
    ("gcp_kms", "GCP KMS"),
    ("azure_kv", "Azure Key Vault"),
    ("hc_vault", "Vault"),
    ("hckms", "HuaweiCloud KMS"),
];

/// The data key, wrapped for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// Whose public key it is.
    pub recipient: String,
    /// An armored age file.
    pub sealed: String,
}

/// The part `sops`, without the MAC once that is verified.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The data key, once for each recipient.
    pub keys: Vec<Wrapped>,
    /// When it was written, as it is spelled there: the MAC is bound to this text.
    pub last_modified: String,
    /// The MAC, encrypted.
    pub mac: String,
    /// Which values are encrypted.
    pub rules: Rules,
    /// Keys for others than age, kept as they are: the data key that they wrap stays.
    pub foreign: Vec<(String, Value)>,
}

impl Metadata {
    /// Reads the part `sops`.
    ///
    /// # Errors
    /// When it is damaged, or says something that cannot be followed here.
    pub fn read(said: &Value) -> Result<Self, Error> {
        if !matches!(said, Value::Map(_)) {
            return Err(Error::Metadata("it is not a map".into()));
        }
        if entries(said, "key_groups").next().is_some() {
            return Err(Error::Unsupported("groups of keys (Shamir's secret sharing)".into()));
        }
        let text = |value: &Value, name: &str| -> Result<String, Error> {
            match value.get(name) {
                Some(Value::Text(text)) => Ok(text.to_string()),
                Some(Value::Time(text)) => Ok(text.clone()),
                _ => Err(Error::Metadata(format!("it has no `{name}`"))),
            }
        };
        let keys = entries(said, "age")
            .map(|entry| Ok(Wrapped { recipient: text(entry, "recipient")?, sealed: text(entry, "enc")? }))
            .collect::<Result<Vec<_>, Error>>()?;
        let foreign: Vec<(String, Value)> = OTHER_KEYS
            .iter()
            .filter(|(name, _)| entries(said, name).next().is_some())
            .filter_map(|(name, _)| Some(((*name).to_owned(), said.get(name)?.clone())))
            .collect();
        if keys.is_empty() {
            let kinds = OTHER_KEYS.iter().filter(|(name, _)| foreign.iter().any(|(other, _)| other == name));
            let kinds: Vec<&str> = kinds.map(|(_, words)| *words).collect();
            let kinds = if kinds.is_empty() { "nobody".to_owned() } else { kinds.join(" and ") };
            return Err(Error::OtherKeys(kinds));
        }
        Ok(Self {
            keys,
            last_modified: text(said, "lastmodified")?,
            mac: text(said, "mac")?,
            rules: Rules::read(said)?,
            foreign,
        })
    }

    /// As a part `sops`, in the order of SOPS 3.13.
    pub fn write(&self) -> Value {
        let keys = self.keys.iter().map(|key| {
            Value::Map(vec![
                ("enc".into(), Value::text(key.sealed.as_str())),
                ("recipient".into(), Value::text(key.recipient.as_str())),
            ])
        });
        let mut pairs = vec![
            ("age".to_owned(), Value::List(keys.collect())),
            ("lastmodified".to_owned(), Value::text(self.last_modified.as_str())),
            ("mac".to_owned(), Value::text(self.mac.as_str())),
            ("version".to_owned(), Value::text(VERSION)),
        ];
        pairs.extend(self.rules.write());
        pairs.extend(self.foreign.iter().cloned());
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        Value::Map(pairs)
    }

    /// For whom the file is, in words.
    pub fn recipients(&self) -> String {
        self.keys.iter().map(|key| key.recipient.as_str()).collect::<Vec<_>>().join(", ")
    }
}

fn entries<'a>(said: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    let list = if let Some(Value::List(values)) = said.get(name) { values.as_slice() } else { &[] };
    list.iter()
}

/// The time of now, as SOPS writes it.
pub fn now() -> String {
    let now = time::OffsetDateTime::now_utc();
    let (date, clock) = (now.date(), now.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    )
}

/// The text that the MAC is bound to: Go reads the time and writes it again, which changes `+00:00`.
pub fn bound_to(last_modified: &str) -> String {
    last_modified.strip_suffix("+00:00").map_or_else(|| last_modified.to_owned(), |time| format!("{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Value {
        crate::yaml::read(text).unwrap()
    }

    #[test]
    fn other_keys_are_named() {
        let error = Metadata::read(&said("pgp:\n  - fp: x\nkms: []\nage: null\n")).unwrap_err();
        assert_eq!(error.to_string(), "the file is not encrypted for age but for PGP");
        let error = Metadata::read(&said("key_groups:\n  - age: []\n")).unwrap_err();
        assert!(error.to_string().contains("Shamir"), "{error}");
    }

    #[test]
    fn keys_of_others_stay() {
        let text =
            "age:\n  - {recipient: r, enc: e}\npgp:\n  - fp: x\nlastmodified: 2024-01-01T00:00:00Z\nmac: m\n";
        let metadata = Metadata::read(&said(text)).unwrap();
        assert_eq!(
            (metadata.recipients().as_str(), metadata.last_modified.as_str()),
            ("r", "2024-01-01T00:00:00Z")
        );
        let written = metadata.write();
        assert!(written.get("pgp").unwrap() == said(text).get("pgp").unwrap());
        let names: Vec<&str> = written.pairs().map(|(name, _)| name).collect();
        assert_eq!(names, ["age", "lastmodified", "mac", "pgp", "unencrypted_suffix", "version"]);
    }
}
