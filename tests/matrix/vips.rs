//! VIPs that come, go and move while a pair of directors serves: who holds them is looked at every 50 ms on both.

use std::collections::BTreeMap;

use crate::harness::Cluster;

const DIRECTORS: [&str; 2] = ["lb1", "lb2"];
const FIRST: &str = "192.168.100.200";
const SECOND: &str = "192.168.100.201";

/// Looks at both directors in the background.
struct Poll<'a> {
    cluster: &'a Cluster,
}

/// How many directors held a VIP at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Held(usize);

impl<'a> Poll<'a> {
    fn of(cluster: &'a Cluster) -> Self {
        for host in DIRECTORS {
            let program = include_str!("poll.pl");
            cluster.on(
                host,
                &format!(
                    "rm -f /tmp/poll.*; cat >/tmp/poll.pl <<'END'\n{program}END\n\
                     setsid perl /tmp/poll.pl {FIRST} {SECOND} </dev/null >/tmp/poll.out 2>/tmp/poll.err &"
                ),
            );
            cluster.becomes("the poll has begun", || {
                cluster.succeeds(host, "[ -s /tmp/poll.out ]")
            });
        }
        Self { cluster }
    }

    /// The least and the most directors that held each VIP. The hosts have one clock: that of their kernel.
    #[track_caller]
    fn end(self) -> BTreeMap<&'static str, (Held, Held)> {
        let mut looks: Vec<(f64, &str, String)> = Vec::new();
        let mut begun: f64 = 0.0;
        for host in DIRECTORS {
            self.cluster.on(host, "touch /tmp/poll.stop");
            let text = self.cluster.on(host, "cat /tmp/poll.out /tmp/poll.err");
            let of = |line: &str| {
                let (time, held) = line.split_once(' ').expect("a look");
                (time.parse().expect("a time"), host, held.to_owned())
            };
            let mine: Vec<_> = text.lines().map(of).collect();
            assert!(mine.len() > 20, "{host}: {text}");
            begun = begun.max(mine[0].0);
            looks.extend(mine);
        }
        looks.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut now: BTreeMap<&str, &str> = BTreeMap::new();
        let mut all = BTreeMap::new();
        for (time, host, held) in &looks {
            now.insert(host, held);
            if *time < begun {
                continue;
            }
            for vip in [FIRST, SECOND] {
                let holds = |held: &&&str| held.split(' ').any(|word| word == vip);
                let count = Held(now.values().filter(holds).count());
                let seen = all.entry(vip).or_insert((count, count));
                *seen = (seen.0.min(count), seen.1.max(count));
            }
        }
        all
    }
}

const ONE: Held = Held(1);
const NONE: Held = Held(0);

const SERVICES: &str = "services:\n";
const WITH_SECOND: &str =
    "services:\n  web2: { vip: 192.168.100.201, port: 80, scheduler: rr, delay_loop: 2 }\n";

/// One director holds the VIP that stays at every moment, and never two the one that comes and goes.
pub(crate) fn a_vip_comes_and_goes_on_a_live_pair(cluster: &Cluster) {
    for (from, to) in [(SERVICES, WITH_SECOND), (WITH_SECOND, SERVICES)] {
        let poll = Poll::of(cluster);
        cluster.edit(from, to);
        cluster.lvsctl(&["apply", "--yes"]).expect(0);
        let held = poll.end();
        assert_eq!(held[FIRST], (ONE, ONE), "{from:?} to {to:?}");
        assert_eq!(held[SECOND], (NONE, ONE), "{from:?} to {to:?}");
    }
}

/// What cannot be written on one director is read by none, and what a limit leaves is said beforehand.
pub(crate) fn a_vip_that_comes_on_one_director_alone(cluster: &Cluster) {
    let poll = Poll::of(cluster);
    cluster.edit(SERVICES, WITH_SECOND);
    cluster
        .lvsctl(&["plan", "--limit", "lb2"])
        .expect(9)
        .says("rs1 is not proven ready for web2");
    cluster
        .lvsctl(&["plan", "--limit", "lb2,rs1,rs2"])
        .expect(2)
        .says("lb1 is outside --limit and not in its desired state: both would hold its VIPs");
    cluster.on("lb1", "mount -o bind,ro /etc/keepalived /etc/keepalived");
    let ran = cluster.lvsctl(&["apply", "--yes"]).expect(1);
    let left = "goes on with its old file, and the VIPs stay where they are";
    assert!(ran.stderr.contains(left), "{}", ran.stderr);
    cluster.on("lb1", "umount /etc/keepalived");
    cluster.edit(WITH_SECOND, SERVICES);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    assert_eq!(poll.end()[FIRST], (ONE, ONE));
}

/// keepalived loses a VIP that changes between two instances when it reloads once.
pub(crate) fn instances_swap_their_ids(cluster: &Cluster, one: &str) {
    let instances = |a: u8, b: u8| {
        format!(
            "  a: {{ virtual_router_id: {a}, vips: {FIRST} }}\n  b: {{ virtual_router_id: {b}, vips: {SECOND} }}\n"
        )
    };
    let (before, after) = (instances(10, 11), instances(11, 10));
    cluster.edit(SERVICES, WITH_SECOND);
    cluster.edit(one, &before);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    let poll = Poll::of(cluster);
    cluster.edit(&before, &after);
    cluster.lvsctl(&["plan"]).expect(2).says("it reloads twice");
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    let held = poll.end();
    assert!(held.values().all(|(_, most)| *most == ONE), "{held:?}");
    cluster.lvsctl(&["verify"]).expect(0).says("0 findings");
    a_vip_that_no_director_holds_comes_back(cluster);
    cluster.edit(&after, one);
    cluster.edit(WITH_SECOND, SERVICES);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    cluster.lvsctl(&["verify"]).expect(0).says("0 findings");
}

/// Files swap their ids and swap them back, as an administrator may do by hand: nothing differs, and a VIP is gone.
fn a_vip_that_no_director_holds_comes_back(cluster: &Cluster) {
    let swap = "s/virtual_router_id 10/virtual_router_id X/; s/virtual_router_id 11/virtual_router_id 10/; \
                s/virtual_router_id X/virtual_router_id 11/";
    for host in DIRECTORS {
        cluster.on(
            host,
            "cp -p /etc/keepalived/keepalived.conf /tmp/keepalived.conf",
        );
    }
    let reload = |what: &str| {
        for host in DIRECTORS {
            cluster.on(host, &format!("{what} && systemctl reload keepalived"));
        }
    };
    let held = || {
        let of = |host: &&str| cluster.on(host, "ip -o -4 addr show dev eth0");
        DIRECTORS.iter().map(of).collect::<String>()
    };
    let lacks = |held: &str| !(held.contains(FIRST) && held.contains(SECOND));
    reload(&format!("sed -i '{swap}' /etc/keepalived/keepalived.conf"));
    cluster.becomes("keepalived loses a VIP", || lacks(&held()));
    reload("cat /tmp/keepalived.conf >/etc/keepalived/keepalived.conf");
    cluster.becomes("nothing differs but the VIP", || {
        let planned = cluster.planned();
        planned
            .iter()
            .all(|change| change.ends_with(" unit keepalived.service"))
            && lacks(&held())
    });
    cluster
        .lvsctl(&["plan"])
        .expect(2)
        .says("no director holds");
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    assert!(!lacks(&held()), "{}", held());
    assert_eq!(cluster.planned(), [""; 0]);
}

/// Checks leave from the director's address, whatever prefix the VIP has; what stands otherwise is found and set right.
pub(crate) fn a_vip_of_ipv6_is_no_source(cluster: &Cluster) {
    const VIP: &str = "fd00:100::200";
    let source = |host: &str| cluster.on(host, "ip -6 route get fd00:100::12");
    let own = |what: &str| {
        let route = source("lb1");
        assert!(route.contains("src fd00:100::14"), "{what}: {route}");
    };
    own("a VIP of 128");
    cluster.edit("vips: 'fd00:100::200' }", "vips: 'fd00:100::200/64' }");
    cluster.edit(
        "web6: { vip: 'fd00:100::200',",
        "web6: { vip: 'fd00:100::200/64',",
    );
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    own("a VIP of 64");
    cluster.lvsctl(&["verify"]).expect(0).says("0 findings");
    cluster.on(
        "lb1",
        &format!("ip addr change {VIP}/64 dev eth0 nodad preferred_lft forever"),
    );
    assert!(
        source("lb1").contains(&format!("src {VIP}")),
        "{}",
        source("lb1")
    );
    cluster
        .lvsctl(&["verify", "--no-traffic"])
        .expect(3)
        .says("toward rs1 (fd00:100::12)");
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    own("a VIP that was changed by hand");
    cluster.edit("vips: 'fd00:100::200/64' }", "vips: 'fd00:100::200' }");
    cluster.edit(
        "web6: { vip: 'fd00:100::200/64',",
        "web6: { vip: 'fd00:100::200',",
    );
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    cluster.lvsctl(&["verify"]).expect(0).says("0 findings");
}
