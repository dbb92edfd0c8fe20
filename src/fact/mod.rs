//! Facts: what a host is asked, and what it answered, one file a fact. Whoever decides something declares what it needs
//! in [`Needs`]; each host is asked once for all of it, and the answer is read into [`Facts`]. What a value should be
//! does not belong here: that is for resources and checks.

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

/// One fact of a host. The value is what the answer is read into.
pub trait Fact: Debug + Default {
    /// The name of its section in the answer.
    const NAME: &'static str;
    /// What to ask for, merged over everyone who needs it.
    type Ask: Debug + Clone + Default + PartialEq;

    /// Shell text that prints the parts of this section. It changes nothing on the host and starts as few processes as
    /// it can: they, not the network, decide how long a run takes.
    fn command(ask: &Self::Ask) -> String;

    fn parse(section: &Section) -> Result<Self, ParseError>;
}

macro_rules! facts {
    ($( $(#[$doc:meta])* $name:ident: $fact:ty ),+ $(,)?) => {
        /// What is to be asked of a host. Two that are equal get the same answer.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct Needs {
            $( pub $name: Option<<$fact as Fact>::Ask>, )+
        }

        /// What a host answered. A fact that was not asked for has its default value.
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
            /// Reads the sections that [`Needs::command`] asked for. A fact that was asked for and not answered is an
            /// error, so that silence is never taken for "none".
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
    way_in: way_in::WaysIn,
}

impl Facts {
    /// Before a host has answered: what most hosts are, and nothing that only the host can say.
    pub fn assumed() -> Self {
        Self {
            system: System::assumed(),
            ..Self::default()
        }
    }
}
