//! The only list of resource kinds. A kind is one line here and one file beside this one; docs/adding-a-resource.md says
//! what else it needs.

use serde::{Deserialize, Serialize};

use super::{Before, Change, Context, Kind, NodeLines, Undo};
use crate::fact::{Facts, Needs};

macro_rules! registry {
    ($( $variant:ident = $module:ident ),+ $(,)?) => {
        /// One desired resource of some kind.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Resource {
            $( $variant(super::$module::$variant), )+
        }

        /// The names of all kinds.
        pub const KINDS: &[&str] = &[$( <super::$module::$variant as Kind>::NAME ),+];

        /// The keys of a kind; empty: not known before the value is read.
        pub fn fields(kind: &str) -> &'static [&'static str] {
            $( if kind == <super::$module::$variant as Kind>::NAME {
                return crate::fields::of::<super::$module::$variant>();
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

            /// Whether both identify the same object on a host, by kind and key.
            pub fn is_same_as(&self, other: &Self) -> bool {
                self.kind() == other.kind() && self.key() == other.key()
            }

            pub fn is_shareable(&self) -> bool {
                match self { $( Self::$variant(_) => <super::$module::$variant as Kind>::SHAREABLE, )+ }
            }

            pub fn fault(&self) -> Option<String> {
                match self { $( Self::$variant(r) => r.fault(), )+ }
            }

            pub fn needs(&self, needs: &mut Needs) {
                match self { $( Self::$variant(r) => r.needs(needs), )+ }
            }

            pub fn diff(&self, facts: &Facts, cx: &Context) -> Option<Change> {
                match self { $( Self::$variant(r) => r.diff(facts, cx), )+ }
            }

            pub fn remove(&self, facts: &Facts, before: &Before, cx: &Context) -> Option<Change> {
                match self { $( Self::$variant(r) => r.remove(facts, before, cx), )+ }
            }

            pub fn refuse(&self, facts: &Facts, cx: &Context) -> Option<String> {
                match self { $( Self::$variant(r) => r.refuse(facts, cx), )+ }
            }

            pub fn undo(&self, before: &Before, kept: &str) -> Option<Undo> {
                match self { $( Self::$variant(r) => r.undo(before, kept), )+ }
            }

            pub fn before(&self, facts: &Facts) -> Before {
                match self { $( Self::$variant(r) => r.before(facts), )+ }
            }

            pub fn before_of_text(&self, text: String) -> Before {
                match self { $( Self::$variant(r) => r.before_of_text(text), )+ }
            }

            pub fn keep(&self, before: &Before, as_desired: bool) -> Option<String> {
                match self { $( Self::$variant(r) => r.keep(before, as_desired), )+ }
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

            pub fn notes(&self, facts: &Facts) -> Vec<String> {
                match self { $( Self::$variant(r) => r.notes(facts), )+ }
            }
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
