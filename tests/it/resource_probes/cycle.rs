//! What can be made in a bare network namespace is made, found again, taken away and found gone, all by the kind's own
//! steps, with the node script's lines between.

use lvsctl::fact::Facts;
use lvsctl::fact::firewall::Chains;
use lvsctl::resource::{Before, Change, Context, Resource};
use lvsctl::secret::Secrets;

use crate::resource_probes::host::Shell;
use crate::resource_probes::resources;

/// On the host of the tests.
const MADE: &str = r#"
- address: { address: 192.168.100.200/32, interface: lo, label: "lo:0" }
- address: { address: "fd00::200/128", interface: lo }
# Beside another one of its subnet.
- address: { address: 10.0.0.200/24, interface: eth0, label: "eth0:0" }
- route: { to: 192.168.100.200/32, interface: lo }
- route: { to: 0.0.0.0/0, via: 10.0.0.254, interface: eth0 }
- route: { to: "::/0", via: "fd00::fe" }
# In the place of another one.
- route: { to: 172.16.0.0/24, via: 10.0.0.254, interface: eth0 }
- link: { name: eth0.10 }
- neighbour: { address: 10.0.0.9, lladdr: "52:54:00:c0:a8:32", interface: eth0 }
- neighbour: { address: "fd00::9", lladdr: "52:54:00:c0:a8:32", interface: eth0 }
- neighbour: { address: 10.0.0.10, lladdr: "52:54:00:c0:a8:32", interface: eth0 }
- sysctl: { name: net.ipv4.conf.eth0.arp_ignore, value: 7 }
- sysctl: { name: net.ipv4.conf.eth0/10.rp_filter, value: 2 }
- sysctl: { name: net.ipv4.ip_local_port_range, value: "20000 30000" }
- sysctl: { name: net.ipv4.conf.eth0.arp_announce, value: 2, if_exists: true }
- arprule: { vip: 192.168.100.200, rip: 10.0.0.1 }
- mark: { comment: "lvsctl:t/web", destination: 192.168.100.200, protocol: tcp, ports: [80, 443], mark: 1 }
- mark: { comment: "lvsctl:t/ftp", destination: 192.168.100.200, protocol: tcp, ports: [21, "10000-20000"], mark: 3 }
- mark: { comment: "lvsctl:t/rtp", destination: 192.168.100.200, protocol: udp, ports: ["10000-20000"], mark: 4 }
- mark: { comment: "lvsctl:t/dns", destination: 192.168.100.200, protocol: udp, ports: [], mark: 4294967295 }
- mark: { comment: "lvsctl:t/web6", destination: "fd00::200", protocol: tcp, ports: [80], mark: 2 }
- file: { path: /mnt/etc/new folder/new, content: "$x `y` 'z' \\n\n" }
- file: { path: /mnt/etc/plain, content: "ours\n", mode: "0640", check: "grep -q ours {}" }
- file: { path: /mnt/etc/cut, content: "" }
- file: { path: /mnt/etc/link, content: "ours\n" }
"#;

/// Kinds that need more than a namespace has: labs show them.
pub(crate) const ELSEWHERE: &[&str] = &["package", "module", "networkd", "unit", "ipvs"];

pub(crate) fn made() -> Vec<Resource> {
    resources(MADE)
}

struct Host<'a> {
    shell: &'a Shell,
    resource: &'a Resource,
}

/// The time at which an inode was last changed cannot be set back.
fn without_change_times(facts: &str) -> String {
    let mut kept = Vec::new();
    let mut lines = facts.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "changed: Some(" {
            lines.nth(1);
        } else {
            kept.push(line);
        }
    }
    kept.join("\n")
}

impl Host<'_> {
    fn probe(&self) -> Facts {
        self.shell.probe(std::slice::from_ref(self.resource))
    }

    /// Tables without a rule stay when the last rule goes.
    fn text(&self) -> String {
        let mut facts = self.probe();
        let firewall = &mut facts.firewall;
        for rules in [&mut firewall.legacy, &mut firewall.legacy_v6] {
            let is_used = |chains: &Chains| chains.values().any(|chain| !chain.rules.is_empty());
            rules.tables.retain(|_, chains| is_used(chains));
        }
        format!("{facts:#?}")
    }

    fn decide(&self, decide: impl FnOnce(&Context) -> Option<Change>) -> Option<Change> {
        let secrets = Secrets::new();
        decide(&Context {
            secrets: &secrets,
            earlier: &[],
            recorded: None,
        })
    }

    fn diff(&self) -> Option<Change> {
        let facts = self.probe();
        self.decide(|cx| self.resource.diff(&facts, cx))
    }

    fn removal(&self, before: &Before) -> Option<Change> {
        let facts = self.probe();
        let owned = self.resource.owned();
        self.decide(|cx| owned.remove(&facts, before, cx))
    }

    fn run(&self, change: &Change) {
        for step in &change.steps {
            self.shell.run(&step.script);
        }
    }

    /// Makes it, and what it was is kept.
    fn make(&self) -> Before {
        let facts = self.probe();
        let before = self.resource.before(&facts);
        let change = self.decide(|cx| self.resource.diff(&facts, cx));
        let change = change.unwrap_or_else(|| panic!("{self}: it is there already"));
        if let Some(keep) = self.resource.keep(&before, false) {
            self.shell.run(&keep);
        }
        self.run(&change);
        self.assert_there("when it is made");
        before
    }

    fn assert_there(&self, when: &str) {
        let left = self.diff();
        assert!(left.is_none(), "{self}: {when}, this is left: {left:#?}");
    }

    fn assert_as(&self, at_first: &str, when: &str) {
        let now = without_change_times(&self.text());
        let at_first = without_change_times(at_first);
        let diff = similar::TextDiff::from_lines(at_first.as_str(), now.as_str());
        let diff = diff.unified_diff().to_string();
        assert!(
            diff.is_empty(),
            "{self}: {when}, it is not as it was:\n{diff}"
        );
    }

    /// What a guard puts back is what was there, with the change and without it, and twice.
    fn is_undone(&self, at_first: &str) {
        let before = self.resource.before(&self.probe());
        let Some(undo) = self.resource.undo(&before, "\"$k\"/1") else {
            return;
        };
        let functions = lvsctl::plan::guard::FUNCTIONS;
        let text = |text: &str| format!("k=/mnt/kept\n{functions}\n{text}");
        self.shell.run(&text(&format!(
            "rm -rf \"$k\"; mkdir \"$k\"\n{}",
            undo.save
        )));
        self.shell.run(&text(&undo.back));
        self.assert_as(at_first, "when what was not changed is put back");
        self.make();
        for _ in 0..2 {
            self.shell.run(&text(&undo.back));
            self.assert_as(at_first, "when a guard puts it back");
        }
    }

    fn boots(&self) {
        let Some(node) = self.resource.node() else {
            return;
        };
        for _ in 0..2 {
            self.shell.run(&node.start.join("\n"));
        }
        self.assert_there("after two starts of the node script");
        for (what, test) in &node.status {
            assert!(self.shell.holds(test), "{self}: status denies {what}");
        }
    }

    fn stops(&self) {
        let Some(node) = self.resource.node() else {
            return;
        };
        for _ in 0..2 {
            self.shell.run(&node.stop.join("\n"));
        }
        if node.stop.is_empty() {
            return;
        }
        for (what, test) in &node.status {
            assert!(!self.shell.holds(test), "{self}: status still has {what}");
        }
    }
}

impl std::fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, key) = (self.resource.kind(), self.resource.key());
        write!(f, "{kind} {key} under {}", self.shell.name)
    }
}

pub(crate) fn run(shell: &Shell, resource: &Resource) {
    let host = Host { shell, resource };
    let at_first = host.text();

    host.is_undone(&at_first);
    let before = host.make();
    host.boots();
    let removal = host.removal(&before);
    let removal = removal.unwrap_or_else(|| panic!("{host}: nothing takes it away"));
    host.run(&removal);
    host.assert_as(&at_first, "when it is taken away");
    let left = host
        .removal(&before)
        .is_some_and(|_| before == Before::Absent);
    assert!(!left, "{host}: it is to be taken away once more");
    host.run(&removal);
    host.assert_as(&at_first, "when it is taken away by two");

    let before = host.make();
    let removal = host.removal(&before).expect("as before");
    host.stops();
    host.run(&removal);
    host.assert_as(&at_first, "when the node script's stop was faster");
}
