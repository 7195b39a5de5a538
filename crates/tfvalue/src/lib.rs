//! Dynamic values, types and paths of the plugin protocol, with their codecs.
