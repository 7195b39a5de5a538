//! Schemas, typed models, plan rules and the protocol-neutral provider server.
