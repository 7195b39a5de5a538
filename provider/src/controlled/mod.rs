//! The kernel of what lives at the control server of a tailnet.
//!
//! A resource says what it owns there and how that is observed, created, updated and deleted
//! ([`Controlled`]); [`OnTailnet`] makes a resource of the framework of it and owns what all of them
//! have in common: the attribute `tailnet`, servers that are not known yet or do not answer. From
//! the attribute to a server there is one way, [`Tailnets`].

mod choice;
mod object;
mod on_tailnet;
mod tailnets;

pub(crate) use object::{
    ControlWords, Controlled, OnTailnet, TAILNET_IMPORT, import_of_tailnet, of_tailnet, only_at_tailscale,
    tailnet_attribute,
};
pub(crate) use tailnets::Tailnets;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use framework::{
        Value,
        testing::{Matrix, check_resource},
    };

    use super::*;
    use crate::{
        hosted::Hosts,
        resources::{
            tailnet_device::TailnetDevice, tailnet_dns::TailnetDns, tailnet_key::TailnetKey,
            tailnet_policy::TailnetPolicy, tailnet_settings::TailnetSettings,
        },
    };

    fn matrix<K: Controlled>() -> Matrix {
        let resource = || OnTailnet::<K>::new(Arc::new(Tailnets::new(Arc::new(Hosts::default()))));
        check_resource(&resource());
        Matrix::new(resource())
    }

    #[tokio::test]
    async fn the_schemas_equal_the_models_and_no_configuration_breaks_a_plan() {
        let report = matrix::<TailnetPolicy>().sample("policy", ["{\"acls\": []}", "{"]).run().await;
        assert!(report.planned > 10 && report.invalid > 10, "{report:?}");
        let devices = matrix::<TailnetDevice>().sample("wait_for", ["1m"]).sample("name", ["web"]);
        let report = devices.sample("on_destroy", ["keep"]).run().await;
        assert!(report.planned > 50 && report.invalid > 10, "{report:?}");
        let dns = matrix::<TailnetDns>().sample("on_destroy", ["reset"]);
        let report = dns.sample("nameservers", [Value::list_of(["1.1.1.1"])]).run().await;
        assert!(report.planned > 50 && report.invalid > 10, "{report:?}");
        let report = matrix::<TailnetSettings>().run().await;
        assert!(report.planned > 50, "{report:?}");
        let report =
            matrix::<TailnetKey>().sample("expiry", ["1h"]).sample("renew_before", ["10m"]).run().await;
        assert!(report.planned > 50 && report.invalid > 10, "{report:?}");
    }
}
