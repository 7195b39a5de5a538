//! Real hosts in containers for tests and the demo.
