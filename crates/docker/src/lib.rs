//! The Docker Engine and Compose on a host.
