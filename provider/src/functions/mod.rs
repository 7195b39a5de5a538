//! The functions, one file each. They are pure: no host, no file, no settings.

mod compose_services;
mod connection;
mod hujson;
mod image_reference;

use framework::AnyFunction;

/// Every function.
pub(crate) fn all() -> Vec<AnyFunction> {
    vec![
        AnyFunction::new(compose_services::ComposeServices),
        AnyFunction::new(connection::ConnectionFunction),
        AnyFunction::new(hujson::HujsonDecode),
        AnyFunction::new(hujson::HujsonNormalize),
        AnyFunction::new(image_reference::ImageReference),
    ]
}
