//! The provider's process: started by OpenTofu or Terraform, or by hand with `--debug`.

use std::process::ExitCode;

use framework::server::Server;
use provider::{Adapter, Windlass};
use tfplugin5::{Options, serve};

/// What a person reads who starts the binary by hand.
const BY_HAND: &str = "\
This is the Windlass provider, a plugin of OpenTofu and Terraform; it is not started by hand.

To use it, put this into your configuration and run `tofu init`:

  terraform {
    required_providers {
      windlass = { source = \"windlass/windlass\" }
    }
  }

To run it under a debugger, start it with --debug and set the TF_REATTACH_PROVIDERS that it prints.";

fn main() -> ExitCode {
    let options = Options {
        started_by_hand: BY_HAND.to_owned(),
        addresses: ["registry.opentofu.org", "registry.terraform.io"]
            .map(|registry| format!("{registry}/windlass/windlass"))
            .to_vec(),
        log_targets: provider::LOG_TARGETS.map(str::to_owned).to_vec(),
        debug: std::env::args().skip(1).any(|argument| argument == "--debug" || argument == "-debug"),
    };
    let windlass = Windlass::default();
    let closing = windlass.closing();
    serve(Adapter::new(Server::new(windlass)), options, closing)
}
