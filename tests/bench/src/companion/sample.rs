//! A state of 2 MB as people have them: many resources with small values.

use std::fmt::Write as _;

/// How large it is, about.
const BYTES: usize = 2 << 20;

/// The state, by its serial; one value changes with it.
pub(crate) fn state(serial: usize) -> String {
    let mut text = format!(
        "{{\"version\":4,\"terraform_version\":\"1.12.0\",\"serial\":{serial},\
         \"lineage\":\"5f3c6a2e-6a55-4a3e-9d5e-0d6a3f9a7d11\",\"outputs\":{{}},\"resources\":["
    );
    let mut number = 0;
    while text.len() < BYTES {
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(
            text,
            "{comma}{{\"mode\":\"managed\",\"type\":\"cloud_server\",\"name\":\"node-{number}\",\
             \"provider\":\"provider[\\\"registry.opentofu.org/example/cloud\\\"]\",\"instances\":[{{\
             \"schema_version\":0,\"attributes\":{{\"id\":\"{id}\",\"name\":\"node-{number}.example.org\",\
             \"image\":\"debian-13\",\"type\":\"cx22\",\"location\":\"fsn1\",\"backups\":false,\"user_data\":null,\
             \"ipv4\":\"10.{a}.{b}.7\",\"labels\":{{\"role\":\"worker\",\"stage\":\"production\",\"empty\":\"\"}},\
             \"disk\":40,\"price\":0.0074,\"keys\":[\"ops\",\"ci\"],\"password\":\"pw-{number}-{changed}\"}},\
             \"sensitive_attributes\":[],\"private\":\"eyJzY2hlbWFfdmVyc2lvbiI6IjEifQ==\"}}]}}",
            id = 1_000_000 + number,
            a = number / 250,
            b = number % 250,
            changed = if number == 7 { serial } else { 0 },
        );
        number += 1;
    }
    text + "],\"check_results\":null}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_state_of_its_size_of_which_one_value_changes() {
        let [one, other] =
            [1, 2].map(|serial| serde_json::from_str::<serde_json::Value>(&state(serial)).unwrap());
        assert!((BYTES..BYTES + 2000).contains(&state(1).len()));
        let resources = |state: &serde_json::Value| state["resources"].as_array().unwrap().clone();
        let differ = resources(&one).iter().zip(resources(&other)).filter(|(a, b)| *a != b).count();
        assert_eq!((differ, &other["serial"]), (1, &serde_json::json!(2)));
    }
}
