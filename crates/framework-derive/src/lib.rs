//! Derive macro for typed resource models.
