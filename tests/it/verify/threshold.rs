//! Connection thresholds: of every kind of service, with a command for each that removes them.

use crate::verify::made::{Made, of, verify};

const INVENTORY: &str = "
cluster: made
networks: { lan: [192.168.100.0/24, 'fd00::/64'] }
defaults: { interface: eth0 }
hosts:
  lb1: { role: director, address: [192.168.100.14, 'fd00::14'] }
  rs1: { role: realserver, address: [192.168.100.12, 'fd00::12'] }
services:
  web: { vip: 192.168.100.200, port: 80, mode: nat, scheduler: rr }
  dns: { vip: 'fd00::200', port: 53, protocol: udp, scheduler: rr }
  mark: { vip: 192.168.100.201, port: [80, 443], fwmark: 7, mode: tun, scheduler: wrr }
  mark6: { vip: 'fd00::201', port: [80, 443], fwmark: 8, mode: tun, scheduler: wrr }
";

/// Also a service that is not in the inventory.
const TABLE: &str = "\
-A -t 192.168.100.200:80 -s rr
-a -t 192.168.100.200:80 -r 192.168.100.12:80 -m -w 3
-A -u [fd00::200]:53 -s rr
-a -u [fd00::200]:53 -r [fd00::12]:53 -g -w 1
-A -f 7 -s wrr
-a -f 7 -r 192.168.100.12:0 -i -w 0 --tun-type gue --tun-port 6080 --tun-nocsum
-A -f 8 -6 -s wrr
-a -f 8 -6 -r [fd00::12]:0 -i -w 2
-A -t 192.168.100.77:80 -s rr
-a -t 192.168.100.77:80 -r 192.168.100.12:80 -g -w 1
";

const LB1: Made = Made {
    host: "lb1",
    links: &[(
        "eth0",
        1500,
        &[
            "192.168.100.14/24",
            "192.168.100.200/32",
            "192.168.100.201/32",
            "fd00::14/64",
            "fd00::200/128",
            "fd00::201/128",
        ],
    )],
    facts: &[("ipvs table", TABLE)],
};

/// The thresholds of the real server in each service, in the order of the table.
fn found(thresholds: [&str; 5]) -> Vec<String> {
    let services = [
        "TCP  192.168.100.200:80 rr\n  -> 192.168.100.12:80",
        "UDP  [fd00::200]:53 rr\n  -> [fd00::12]:53",
        "FWM  7 wrr\n  -> 192.168.100.12:0",
        "FWM  8 IPv6 wrr\n  -> [fd00::12]:0",
        "TCP  192.168.100.77:80 rr\n  -> 192.168.100.12:80",
    ];
    let lines = services.iter().zip(thresholds);
    let text: String = lines
        .map(|(service, threshold)| format!("{service}  {threshold}  9  9\n"))
        .collect();
    let findings = verify(INVENTORY, &[LB1], "lb1", &[("ipvs thresholds", &text)]);
    of(&findings, "ipvs-threshold")
}

#[test]
fn a_threshold_is_removed_with_mode_and_weight_kept() {
    let none = ["0  0"; 5];
    assert_eq!(found(none), Vec::<String>::new());
    for (service, threshold, want) in [
        (
            0,
            "5  2",
            "real server `rs1` (192.168.100.12:80) in `web`: expected no connection threshold, found upper threshold 5, lower threshold 2, fix: `ipvsadm -e -t 192.168.100.200:80 -r 192.168.100.12:80 -m -w 3 -x 0 -y 0`",
        ),
        (
            1,
            "5  0",
            "real server `rs1` ([fd00::12]:53) in `dns`: expected no connection threshold, found upper threshold 5, lower threshold 0, fix: `ipvsadm -e -u [fd00::200]:53 -r [fd00::12]:53 -g -w 1 -x 0 -y 0`",
        ),
        (
            2,
            "0  2",
            "real server `rs1` (192.168.100.12:0) in `mark`: expected no connection threshold, found upper threshold 0, lower threshold 2, fix: `ipvsadm -e -f 7 -r 192.168.100.12:0 -i -w 0 --tun-type gue --tun-port 6080 --tun-nocsum -x 0 -y 0`",
        ),
        (
            3,
            "1  1",
            "real server `rs1` ([fd00::12]:0) in `mark6`: expected no connection threshold, found upper threshold 1, lower threshold 1, fix: `ipvsadm -e -f 8 -6 -r [fd00::12]:0 -i -w 2 -x 0 -y 0`",
        ),
    ] {
        let mut thresholds = none;
        thresholds[service] = threshold;
        assert_eq!(found(thresholds), [format!("lb1: {want}")]);
    }
    let mut foreign = none;
    foreign[4] = "5  2";
    assert_eq!(found(foreign), Vec::<String>::new());
}
