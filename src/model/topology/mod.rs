//! Derived facts about a valid cluster, shared by roles, templates and checks: which host serves, holds, routes and answers
//! what. Syntax of keepalived, units and ipvsadm belongs in `view`; answers of hosts, in `check`.

mod listens;
mod pages;
mod routes;
mod serves;
mod vips;

#[cfg(test)]
mod tests;

pub(crate) use listens::{Listens, listens};
pub(crate) use pages::{HTTP, pages};
pub(crate) use routes::{
    DefaultRoute, Neighbour, OUTSIDE, OfDirector, clients, default_route, neighbours, of_directors,
    subnet,
};
pub(crate) use serves::{Part, Served, Serves};
pub(crate) use vips::{
    ArpRule, DirectorVip, MovingVip, RealVip, Tunnel, arp_rules, director_vips, interface_of_vip,
    member_interface, moving_vips, silent,
};
