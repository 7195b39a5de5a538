//! Labels of what labs consist of, in the engine.

/// Label of everything that belongs to a lab; its value is the directory of the lab's files.
pub(crate) const LAB: &str = "windlass.lab";

/// Label with the id of the process that a lab or a host shall not outlive.
pub(crate) const OWNER: &str = "windlass.lab.owner";

/// The label of this owner, as a word.
pub(crate) fn owner_label(owner: u32) -> String {
    format!("{OWNER}={owner}")
}
