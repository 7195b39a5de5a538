//! What the workflows in `.github` run.

use acceptance_tests::{test_module, test_root};

#[test]
fn production_and_its_drill_keep_what_their_own_tests_say() {
    ["always-on", "drill"].into_iter().for_each(test_root);
}

#[test]
fn the_product_keeps_what_its_own_tests_say() {
    test_module("product");
}
