//! A state of 2 MB as people have them: many resources with small values, indented as the cores write it.

use serde_json::{Value, json};

/// So many are 2 MB.
const RESOURCES: usize = 2040;

/// The state, by its serial; one value changes with it.
pub(crate) fn state(serial: usize) -> String {
    let resources: Vec<Value> =
        (0..RESOURCES).map(|number| resource(number, if number == 7 { serial } else { 0 })).collect();
    let state = json!({
        "version": 4, "terraform_version": "1.12.0", "serial": serial,
        "lineage": "5f3c6a2e-6a55-4a3e-9d5e-0d6a3f9a7d11", "outputs": {}, "resources": resources,
        "check_results": null,
    });
    format!("{state:#}\n")
}

fn resource(number: usize, changed: usize) -> Value {
    json!({
        "mode": "managed", "type": "cloud_server", "name": format!("node-{number}"),
        "provider": "provider[\"registry.opentofu.org/example/cloud\"]",
        "instances": [{
            "schema_version": 0,
            "attributes": {
                "id": (1_000_000 + number).to_string(), "name": format!("node-{number}.example.org"),
                "image": "debian-13", "type": "cx22", "location": "fsn1", "backups": false, "user_data": null,
                "ipv4": format!("10.{}.{}.7", number / 250, number % 250),
                "labels": { "role": "worker", "stage": "production", "empty": "" },
                "disk": 40, "price": 0.0074, "keys": ["ops", "ci"], "password": format!("pw-{number}-{changed}"),
            },
            "sensitive_attributes": [],
            // The limits of time that most providers keep there.
            "private": "eyJlMmJmYjczMC1lY2FhLTExZTYtOGY4OC0zNDM2M2JjN2M0YzAiOnsiY3JlYXRlIjo2MDAwMDAwMDAwMDAsImRlbGV0ZSI6NjAwMDAwMDAwMDAwfX0=",
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: usize = 2 << 20;

    #[test]
    fn it_is_a_state_of_its_size_of_which_one_value_changes() {
        let [one, other] =
            [1, 2].map(|serial| serde_json::from_str::<serde_json::Value>(&state(serial)).unwrap());
        assert!(state(1).len().abs_diff(BYTES) < BYTES / 50, "{}", state(1).len());
        let resources = |state: &serde_json::Value| state["resources"].as_array().unwrap().clone();
        let differ = resources(&one).iter().zip(resources(&other)).filter(|(a, b)| *a != b).count();
        assert_eq!((differ, &other["serial"]), (1, &serde_json::json!(2)));
    }
}
