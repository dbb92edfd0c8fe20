//! The place of a key: the map that it stands in and those above it, for hints about its neighbours.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::yaml::{Entry, Node, Value};

/// The types of maps that hints know, by the names by which their `Deserialize` asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString)]
pub(super) enum MapType {
    Inventory,
    Defaults,
    Host,
    SshOptions,
    LabOptions,
    Vrrp,
    Member,
    TrackScript,
    Service,
    RealServer,
    LongPersistence,
    LongHealthCheck,
    HttpCheck,
    TcpCheck,
    ScriptCheck,
    EndToEnd,
    Waiver,
    LongNic,
    LongSorryServer,
    Export,
    /// Names that the user chose.
    #[strum(serialize = "")]
    Names,
    /// Any other.
    Other,
}

impl MapType {
    pub(super) fn named(name: &str) -> Self {
        name.parse().unwrap_or(Self::Other)
    }
}

/// Maps that are known: that of the key, and those above it.
const LEVELS: usize = 4;

/// The inside of a map.
#[derive(Debug, Clone, Copy)]
pub(super) struct Location<'a> {
    pub root: &'a Node,
    /// Whether it is a part of an inventory; roles are read in the same way.
    pub inventory: bool,
    /// Whether it is a resource of a role.
    pub role: bool,
    /// The map's entries, then those of the maps above.
    maps: [&'a [Entry]; LEVELS],
    types: [MapType; LEVELS],
    /// The key that each stands behind.
    names: [&'a str; LEVELS],
}

impl<'a> Location<'a> {
    /// Above the outermost map.
    pub(super) fn new(root: &'a Node) -> Self {
        Self {
            root,
            inventory: false,
            role: false,
            maps: [&[]; LEVELS],
            types: [MapType::Names; LEVELS],
            names: [""; LEVELS],
        }
    }

    /// Within a map that stands behind a key of this one.
    pub(super) fn inside(self, name: &'a str, of: MapType, map: &'a [Entry]) -> Self {
        fn before<T: Copy>(first: T, [a, b, c, _]: [T; LEVELS]) -> [T; LEVELS] {
            [first, a, b, c]
        }
        Self {
            root: self.root,
            inventory: self.inventory || of == MapType::Inventory,
            role: self.role,
            maps: before(map, self.maps),
            types: before(of, self.types),
            names: before(name, self.names),
        }
    }

    /// The map's entries.
    pub(super) fn map(&self) -> &'a [Entry] {
        self.maps[0]
    }

    pub(super) fn map_at(&self, level: usize) -> &'a [Entry] {
        self.maps.get(level).copied().unwrap_or_default()
    }

    pub(super) fn of(&self) -> MapType {
        self.types[0]
    }

    pub(super) fn type_at(&self, level: usize) -> MapType {
        self.types.get(level).copied().unwrap_or(MapType::Other)
    }

    /// The key that the map stands behind.
    pub(super) fn name(&self) -> &'a str {
        self.names[0]
    }

    pub(super) fn name_at(&self, level: usize) -> &'a str {
        self.names.get(level).copied().unwrap_or_default()
    }

    /// The level of the nearest map of a type.
    pub(super) fn level_of(&self, of: MapType) -> Option<usize> {
        self.types.iter().position(|known| *known == of)
    }

    /// An entry of the map.
    pub(super) fn given(&self, key: &str) -> Option<&'a Entry> {
        find(self.maps[0], key)
    }

    /// The entries below a key of the inventory.
    pub(super) fn all(&self, key: &str) -> &'a [Entry] {
        below(self.root, key)
    }

    /// The host with this name or address.
    pub(super) fn host(&self, word: &str) -> Option<&'a Entry> {
        let address = word.parse::<IpAddr>().ok();
        let mut hosts = self.all("hosts").iter();
        hosts.find(|host| {
            host.key == word || address.is_some_and(|address| has_address(&host.value, address))
        })
    }

    /// The names of the real servers.
    pub(super) fn real_servers(&self) -> Vec<&'a str> {
        let hosts = self.all("hosts").iter();
        let serving = hosts.filter(|host| has_role(&host.value, "realserver"));
        serving.map(|host| host.key.as_str()).collect()
    }
}

pub(super) fn find<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.key == key)
}

/// The entries below a key.
pub(super) fn below<'a>(node: &'a Node, key: &str) -> &'a [Entry] {
    find(entries_of(node), key).map_or(&[], |entry| entries_of(&entry.value))
}

pub(super) fn entries_of(node: &Node) -> &[Entry] {
    match &node.value {
        Value::Map(entries) => entries,
        _ => &[],
    }
}

/// A value, or each of a list.
pub(super) fn each(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(list) => list,
        _ => std::slice::from_ref(node),
    }
}

/// A value as it is written.
pub(super) fn scalar(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Bool(_, text) | Value::Int(_, text) | Value::Float(_, text) | Value::Text(text) => {
            Some(text)
        }
        _ => None,
    }
}

/// The addresses of all sorry servers, as they are written.
pub(super) fn sorry_servers(root: &Node) -> BTreeSet<&str> {
    let named = below(root, "services").iter().filter_map(|service| {
        let sorry = &find(entries_of(&service.value), "sorry_server")?.value;
        scalar(find(entries_of(sorry), "address").map_or(sorry, |entry| &entry.value))
    });
    named.collect()
}

pub(super) fn roles(host: &Node) -> impl Iterator<Item = &str> {
    roles_of(entries_of(host))
}

fn roles_of(host: &[Entry]) -> impl Iterator<Item = &str> {
    let roles = find(host, "role").map_or(&[][..], |entry| each(&entry.value));
    roles.iter().filter_map(scalar)
}

pub(super) fn has_role(host: &Node, role: &str) -> bool {
    roles(host).any(|found| found == role)
}

/// The first of a value, or of a list, without a prefix.
pub(super) fn first_address(node: &Node) -> Option<&str> {
    let first = each(node).first().and_then(scalar)?;
    first.split('/').next()
}

/// The host's own first address.
pub(super) fn address(host: &Node) -> Option<&str> {
    first_address(&find(entries_of(host), "address")?.value)
}

/// The same, or else that of its first interface.
pub(super) fn any_address(host: &Node) -> Option<&str> {
    address(host).or_else(|| {
        let nics = &find(entries_of(host), "interfaces")?.value;
        let nic = &entries_of(nics).first()?.value;
        first_address(find(entries_of(nic), "address").map_or(nic, |entry| &entry.value))
    })
}

fn has_address(host: &Node, address: IpAddr) -> bool {
    let is = |node: &Node| {
        let text = scalar(node).unwrap_or_default();
        text.split('/').next().and_then(|a| a.parse().ok()) == Some(address)
    };
    let entries = entries_of(host);
    let own = find(entries, "address").map_or(&[][..], |entry| each(&entry.value));
    let nics = find(entries, "interfaces").map_or(&[][..], |entry| entries_of(&entry.value));
    let of_nic = |nic: &Entry| {
        let long = find(entries_of(&nic.value), "address").map(|entry| &entry.value);
        each(long.unwrap_or(&nic.value)).iter().any(is)
    };
    own.iter().any(is) || nics.iter().any(of_nic)
}
