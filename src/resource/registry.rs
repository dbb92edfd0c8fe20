//! The only list of resource kinds. A kind is one line here and one file beside this one; docs/adding-a-resource.md says
//! what else it needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Before, Change, Context, Kind, NodeLines, ParseError, Section};

macro_rules! registry {
    ($( $variant:ident = $module:ident ),+ $(,)?) => {
        /// One wanted resource of some kind.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Resource {
            $( $variant(super::$module::$variant), )+
        }

        /// What one probe found on a host, kind by kind.
        #[derive(Debug, Default)]
        pub struct Observed {
            $( pub $module: <super::$module::$variant as Kind>::Observed, )+
        }

        /// The names of all kinds.
        pub const KINDS: &[&str] = &[$( <super::$module::$variant as Kind>::NAME ),+];

        /// The keys that a kind takes; none where that is not known beforehand.
        pub fn fields(kind: &str) -> &'static [&'static str] {
            $( if kind == <super::$module::$variant as Kind>::NAME {
                return super::fields::of::<super::$module::$variant>();
            } )+
            &[]
        }

        impl Resource {
            pub fn kind(&self) -> &'static str {
                match self { $( Self::$variant(_) => <super::$module::$variant as Kind>::NAME, )+ }
            }

            pub fn key(&self) -> String {
                match self { $( Self::$variant(r) => r.key(), )+ }
            }

            /// Whether both are the same thing on a host, whatever is wanted of it.
            pub fn is_same_as(&self, other: &Self) -> bool {
                self.kind() == other.kind() && self.key() == other.key()
            }

            pub fn is_shareable(&self) -> bool {
                match self { $( Self::$variant(_) => <super::$module::$variant as Kind>::SHAREABLE, )+ }
            }

            pub fn fault(&self) -> Option<String> {
                match self { $( Self::$variant(r) => r.fault(), )+ }
            }

            pub fn diff(&self, observed: &Observed, cx: &Context) -> Option<Change> {
                match self { $( Self::$variant(r) => r.diff(&observed.$module, cx), )+ }
            }

            pub fn remove(&self, observed: &Observed, before: &Before, cx: &Context) -> Option<Change> {
                match self { $( Self::$variant(r) => r.remove(&observed.$module, before, cx), )+ }
            }

            pub fn refuse(&self, observed: &Observed, cx: &Context) -> Option<String> {
                match self { $( Self::$variant(r) => r.refuse(&observed.$module, cx), )+ }
            }

            pub fn before(&self, observed: &Observed) -> Before {
                match self { $( Self::$variant(r) => r.before(&observed.$module), )+ }
            }

            pub fn keep(&self, before: &Before, as_wanted: bool) -> Option<String> {
                match self { $( Self::$variant(r) => r.keep(before, as_wanted), )+ }
            }

            pub fn forget(&self, before: &Before) -> Option<String> {
                match self { $( Self::$variant(r) => r.forget(before), )+ }
            }

            #[must_use]
            pub fn owned(&self) -> Self {
                match self { $( Self::$variant(r) => Self::$variant(r.owned()), )+ }
            }

            pub fn node(&self) -> Option<NodeLines> {
                match self { $( Self::$variant(r) => r.node(), )+ }
            }

            pub fn words(&self) -> String {
                match self { $( Self::$variant(r) => r.words(), )+ }
            }

            pub fn notes(&self, observed: &Observed) -> Vec<String> {
                match self { $( Self::$variant(r) => r.notes(&observed.$module), )+ }
            }
        }

        /// The shell text that asks for everything that these resources need to know.
        pub fn probe(resources: &[Resource]) -> String {
            let mut text = String::new();
            $(
                let wanted: Vec<_> = resources
                    .iter()
                    .filter_map(|r| match r { Resource::$variant(r) => Some(r), #[allow(unreachable_patterns)] _ => None })
                    .collect();
                if !wanted.is_empty() {
                    text.push_str(&format!("section={}\n", <super::$module::$variant as Kind>::NAME));
                    text.push_str(&<super::$module::$variant as Kind>::probe(&wanted));
                }
            )+
            text
        }

        /// Reads the sections that [`probe`] asked for.
        pub fn parse(sections: &BTreeMap<String, Section>) -> Result<Observed, ParseError> {
            let mut observed = Observed::default();
            $(
                if let Some(section) = sections.get(<super::$module::$variant as Kind>::NAME) {
                    observed.$module = <super::$module::$variant as Kind>::parse(section)?;
                }
            )+
            Ok(observed)
        }
    };
}

registry! {
    Package = package,
    Module = module,
    Sysctl = sysctl,
    Link = link,
    Networkd = networkd,
    Address = address,
    Route = route,
    Neighbour = neighbour,
    Arprule = arprule,
    Mark = mark,
    File = file,
    Unit = unit,
    Ipvs = ipvs,
}
