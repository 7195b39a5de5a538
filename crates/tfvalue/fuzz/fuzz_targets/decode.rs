//! Any bytes, read as values of several types in every encoding.
#![no_main]

#[path = "../../tests/support/invariants.rs"]
mod invariants;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // The first byte chooses the type, so that the fuzzer does not search through all at once.
    let Some((choice, bytes)) = data.split_first() else { return };
    let types = invariants::types();
    invariants::check(bytes, &types[usize::from(*choice) % types.len()]);
});
