//! Drives the provider with real CLIs against real hosts.
