//! Generates the bindings from `proto/`, without protoc.

use std::{env, error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let protos = Path::new("../../proto");
    let files = ["tfplugin5.proto", "plugin.proto"];
    for file in files {
        println!("cargo::rerun-if-changed={}", protos.join(file).display());
    }
    println!("cargo::rerun-if-env-changed=CARGO_FEATURE_CLIENT");
    tonic_prost_build::configure()
        .build_client(env::var_os("CARGO_FEATURE_CLIENT").is_some())
        // The clients take any channel; a `connect` of their own would need tonic's transport.
        .build_transport(false)
        // A provider writes only the calls that it has; the others answer Unimplemented.
        .generate_default_stubs(true)
        .compile_fds(protox::compile(files, [protos])?)?;
    Ok(())
}
