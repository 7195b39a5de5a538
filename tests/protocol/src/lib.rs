//! Drives the built provider as a core would.
