//! The plugin protocol on the wire: bindings, handshake, mutual TLS, logging.
