//! Facts: shell text that reads the state of a host, and the parser of its output, one module per fact. Resources and checks
//! declare in [`Needs`] what they need; each host is probed once for all of it, and the answer is parsed into [`Facts`].
//! Desired values do not belong here.

pub mod address;
pub mod boot_source;
pub mod clock;
pub mod file;
pub mod firewall;
pub mod ipvs;
pub mod keepalived;
pub mod listener;
pub mod module;
pub mod neighbour;
pub mod networkd;
pub mod offload;
pub mod package;
mod package_manager;
pub mod process;
pub mod route;
pub mod route_to;
pub mod section;
pub mod sysctl;
pub mod sysctl_file;
pub mod system;
pub mod traffic_control;
pub mod unit;
pub mod way_in;

use std::collections::BTreeMap;
use std::fmt::Debug;

pub use package_manager::PackageManager;
pub use section::{ParseError, Section};
pub use system::System;

/// One fact of a host. The type is the parsed answer.
pub trait Fact: Debug + Default {
    /// The name of its section in the answer.
    const NAME: &'static str;
    /// The parts to read, merged over all resources and checks that need them.
    type Ask: Debug + Clone + Default + PartialEq;

    /// Shell text that prints the parts of this section. It must not change the host, and should start few processes: they
    /// take more time of a run than the network.
    fn command(ask: &Self::Ask) -> String;

    fn parse(section: &Section) -> Result<Self, ParseError>;
}

macro_rules! facts {
    ($( $(#[$doc:meta])* $name:ident: $fact:ty ),+ $(,)?) => {
        /// The facts to read from a host. Equal needs give the same answer.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct Needs {
            $( pub $name: Option<<$fact as Fact>::Ask>, )+
        }

        /// The parsed answer of a host. A fact that was not needed has its default value.
        #[derive(Debug, Default)]
        pub struct Facts {
            $( $(#[$doc])* pub $name: $fact, )+
        }

        impl Needs {
            /// The shell text that asks for all of it.
            pub fn command(&self) -> String {
                let mut text = String::new();
                $(
                    if let Some(ask) = &self.$name {
                        text.push_str(&format!("section={}\n", <$fact as Fact>::NAME));
                        text.push_str(&<$fact as Fact>::command(ask));
                    }
                )+
                text
            }

            /// Each fact alone, for tests of parsers.
            pub fn each() -> Vec<Self> {
                vec![$( Self { $name: Some(Default::default()), ..Self::default() }, )+]
            }
        }

        impl Facts {
            /// Parses the sections of [`Needs::command`]. A missing section is an error, so that a missing answer is never
            /// taken for "none".
            pub fn parse(needs: &Needs, sections: &BTreeMap<String, Section>) -> Result<Self, ParseError> {
                let mut facts = Self::default();
                $(
                    if needs.$name.is_some() {
                        let name = <$fact as Fact>::NAME;
                        let section = sections
                            .get(name)
                            .ok_or_else(|| ParseError::new(name, "the host printed no answer"))?;
                        facts.$name = <$fact as Fact>::parse(section.whole(name)?)?;
                    }
                )+
                Ok(facts)
            }
        }
    };
}

facts! {
    system: System,
    package: package::Packages,
    module: module::Modules,
    sysctl: sysctl::Sysctls,
    // Before the addresses, which may be asked for together with its route.
    way_in: way_in::WaysIn,
    address: address::Addresses,
    route: route::Routes,
    neighbour: neighbour::Neighbours,
    networkd: networkd::Networkd,
    route_to: route_to::RoutesTo,
    firewall: firewall::Firewall,
    file: file::Files,
    clock: clock::Clock,
    unit: unit::Units,
    ipvs: ipvs::Ipvs,
    process: process::Processes,
    keepalived: keepalived::Keepalived,
    listener: listener::Listeners,
    offload: offload::Offloads,
    traffic_control: traffic_control::TrafficControl,
    sysctl_file: sysctl_file::SysctlFiles,
    boot_source: boot_source::BootSources,
}

impl Facts {
    /// Facts before a host has answered: the most common system, and nothing that only the host can tell.
    pub fn assumed() -> Self {
        Self {
            system: System::assumed(),
            ..Self::default()
        }
    }
}
