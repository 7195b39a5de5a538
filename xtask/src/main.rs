//! Generators, checks and installation for developers.

fn main() {}
