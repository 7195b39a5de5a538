//! What several test files share.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::expect_used)]

pub mod generate;
pub mod invariants;

use tfvalue::Type;

/// A value as go-cty encoded it.
pub struct Vector {
    /// What is special about it.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Its MessagePack.
    pub bytes: Vec<u8>,
    /// What we must write for it, where that is not `bytes`.
    pub canonical: Option<Vec<u8>>,
    /// Its JSON, unless it is partly unknown.
    pub json: Option<Vec<u8>>,
}

/// The vectors in `tests/vectors/go-cty.json`.
pub fn vectors() -> Vec<Vector> {
    let file = include_str!("../vectors/go-cty.json");
    let file: serde_json::Value = serde_json::from_str(file).expect("the vectors are JSON");
    let text = |vector: &serde_json::Value, field: &str| vector[field].as_str().map(str::to_owned);
    let vectors = file["vectors"].as_array().expect("the file has a list of vectors");
    vectors
        .iter()
        .map(|vector| Vector {
            name: text(vector, "name").unwrap(),
            ty: Type::from_json(vector["type"].to_string().as_bytes()).unwrap(),
            bytes: unhex(&text(vector, "msgpack").unwrap()),
            canonical: text(vector, "canonical").map(|hex| unhex(&hex)),
            json: text(vector, "json").map(String::into_bytes),
        })
        .collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}
