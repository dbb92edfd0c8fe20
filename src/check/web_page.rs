//! Pages of web servers to which no service sends requests, so that no other check requests them. The host requests the page
//! at the address that the inventory gives it, as part of its probe. The path of clients to it is judged in
//! [`super::service_path`].

use std::net::IpAddr;

use super::definition::{Check, Judge, nothing};
use super::end_to_end::{self, Replies, Reply};
use super::findings::{Findings, Mismatch};
use super::listener::where_held;
use super::redirect::{self, Served};
use super::{HostAudit, flow};
use crate::fact::Section;
use crate::model::topology::{self, HTTP, Serves};
use crate::model::{Cluster, Host, Protocol};
use crate::resource::Resource;
use crate::shell::quote;
use crate::view;

pub(super) static WEB_PAGE: Check = Check {
    id: "web-page",
    summary: "A host with the role `web` to which no service sends requests responds to a request for its page, which it sends to its address itself.",
    reason: "Clients get the page at a VIP that VRRP moves to the host. On a backup an error page shows only after a takeover.",
    source: "RFC 9110, section 15.3.1 (status 200); nginx(8)",
    fix: "see `nginx -T` and nginx's error log",
    needs: nothing,
    judge: Judge::Host(judge),
};

const PART: &str = "page";
const NGINX: &str = "nginx.service";
const INDEX: &str = "/index.html";

/// What a host asks itself; nothing where its page is a service's, or no port is known for it.
pub(super) fn question(cluster: &Cluster, host: &Host) -> String {
    let pages = topology::pages(cluster, host, &Serves::of(cluster, host));
    if pages.is_none_or(|pages| !pages.ports.contains(&HTTP)) {
        return String::new();
    }
    let address = host.address;
    where_held(address, &format!("part {PART} {address}\n{}", ask(address)))
}

fn ask(address: IpAddr) -> String {
    format!(
        "e2e_resolve='' e2e_text=''\n\
         if have curl; then e2e_http {} 1; elif have bash; then e2e_page {address} {HTTP}; else e2e_none; fi\n",
        quote(&url(address))
    )
}

fn url(address: IpAddr) -> String {
    format!("http://{}/", view::in_brackets(address))
}

/// What the host got, and at which address.
pub(super) fn answer(section: &Section) -> Option<(IpAddr, Replies)> {
    let (address, text) = section.parts_of(PART).next()?;
    Some((address.parse().ok()?, end_to_end::replies(text)))
}

/// Whether the roles of a host install a page with its name alone, which nginx serves at `/`.
pub(super) fn is_named(audit: &HostAudit) -> bool {
    page(audit) == Page::Named
}

fn page(audit: &HostAudit) -> Page {
    let mut exports = audit.cluster.hosts.iter().flat_map(|host| &host.exports);
    let mounted = exports.any(|export| export.client == audit.name());
    Page::of(&audit.run.desired, audit.name(), mounted)
}

/// The expected content of a page.
#[derive(Debug, PartialEq, Eq)]
enum Page {
    /// Its one line is the host's name.
    Named,
    /// Its text is another one, or of a mounted folder.
    Other,
    /// The roles install no page: they are the user's.
    Unknown,
}

impl Page {
    fn of(desired: &[Resource], host: &str, mounted: bool) -> Self {
        let runs = desired.iter().any(|resource| {
            matches!(resource, Resource::Unit(unit) if unit.name == NGINX && unit.active)
        });
        let index = desired.iter().find_map(|resource| match resource {
            Resource::File(file) if file.path.ends_with(INDEX) => Some(file.content.trim()),
            _ => None,
        });
        match index {
            _ if !runs => Self::Unknown,
            Some(text) if text == host => Self::Named,
            Some(_) => Self::Other,
            None if mounted => Self::Other,
            None => Self::Unknown,
        }
    }

    fn is_right(&self, reply: &Reply, host: &str) -> bool {
        reply.status == Some(200) && (*self != Self::Named || reply.first_line == host)
    }
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    let Some((address, replies)) = &audit.page else {
        return;
    };
    let name = audit.name();
    let what = url(*address);
    let page = page(audit);
    if page == Page::Unknown {
        let why = "its roles install no page of nginx";
        return findings.skip(name, &WEB_PAGE, &what, why);
    }
    // Without curl and bash nothing asked.
    let Replies::Came(all) = replies else {
        let why = "neither curl nor bash is there";
        return findings.unknown(name, &WEB_PAGE, format!("{what} was not looked at"), why);
    };
    let reply = all.first();
    if let Some(reply) = reply.filter(|reply| page.is_right(reply, name)) {
        return findings.pass_of(name, &WEB_PAGE, what, shown(reply));
    }
    let asks = flow::of_client(Protocol::Tcp, *address, HTTP);
    match redirect::own(audit, &asks) {
        Served::Here => {}
        Served::Redirected { by, .. } => {
            let why = format!("the host's request is redirected by {by}");
            return findings.skip(name, &WEB_PAGE, &what, &why);
        }
        Served::Elsewhere(why) => return findings.skip(name, &WEB_PAGE, &what, &why),
        Served::Unknown(why) => return findings.unknown(name, &WEB_PAGE, what, why),
    }
    let expected = match page {
        Page::Named => format!("status 200 and the page {name}"),
        Page::Other | Page::Unknown => "status 200".to_owned(),
    };
    let found = reply.map_or_else(|| "no answer".to_owned(), shown);
    let fix = format!("see `nginx -T` and nginx's error log on {name}");
    let fault = Mismatch::new(expected, found, fix);
    let answered = reply.is_some_and(|reply| reply.status.is_some());
    let fault = if answered { fault.answered() } else { fault };
    findings.fail(name, &WEB_PAGE, what, fault);
}

fn shown(reply: &Reply) -> String {
    match (reply.status, reply.first_line.as_str()) {
        (None, _) => reply.error.clone(),
        (Some(status), "") => format!("status {status} and an empty page"),
        (Some(status), line) => format!("status {status} and the first line {line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::file::File;
    use crate::resource::unit::Unit;

    fn file(path: &str, content: &str) -> Resource {
        Resource::File(File {
            path: path.to_owned(),
            content: content.to_owned(),
            mode: "0644".to_owned(),
            check: None,
        })
    }

    fn unit(name: &str, active: bool) -> Resource {
        Resource::Unit(Unit {
            name: name.to_owned(),
            enabled: active,
            active,
            reads: Vec::new(),
            reloads: true,
        })
    }

    #[test]
    fn a_page_is_known_by_what_the_roles_install() {
        let nginx = || unit(NGINX, true);
        for (about, desired, mounted, page) in [
            (
                "the role web",
                vec![file("/var/www/html/index.html", "web1\n"), nginx()],
                false,
                Page::Named,
            ),
            ("mounted pages", vec![nginx()], true, Page::Other),
            (
                "a page of the user's role",
                vec![file("/srv/index.html", "<h1>Shop</h1>\n"), nginx()],
                false,
                Page::Other,
            ),
            (
                "a user's role without one",
                vec![nginx()],
                false,
                Page::Unknown,
            ),
            (
                "another server",
                vec![
                    file("/srv/index.html", "web1\n"),
                    unit("apache2.service", true),
                ],
                false,
                Page::Unknown,
            ),
            (
                "nginx that is not to run",
                vec![file("/srv/index.html", "web1\n"), unit(NGINX, false)],
                false,
                Page::Unknown,
            ),
        ] {
            assert_eq!(Page::of(&desired, "web1", mounted), page, "{about}");
        }
    }
}
