//! Text that keepalived's parser would act on outside quotes: what keepalived has loaded is what was written.

use crate::harness::{AUTH_PASS, Cluster};

/// Braces, comments, a parameter's begin, quotes and what stands for no character.
const PATH: &str = "/?q={1}&it='!'b~$c;%25@x|y^z";
const PLAIN: &str = "health_check: { tcp: {},";

/// keepalived writes its data on SIGUSR1, the checkers' into a file of another name.
const LOADED: &str = "rm -f /tmp/keepalived*.data; kill -USR1 $(cat /run/keepalived.pid); \
     for n in $(seq 100); do grep -qs 'Checked url' /tmp/keepalived_check.data && \
     grep -qs 'Password =' /tmp/keepalived.data && break; sleep 0.1; done; \
     sed -n 's/^ *Password = //p' /tmp/keepalived.data; sed -n 's/^ *Checked url = //p' /tmp/keepalived_check.data";

pub(crate) fn keepalived_loads_what_is_written(cluster: &Cluster) {
    let quoted = PATH.replace('\'', "''");
    let odd = format!("health_check: {{ http: {{ path: '{quoted}' }},");
    cluster.edit(PLAIN, &odd);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    for host in ["lb1", "lb2"] {
        let loaded = cluster.on(host, LOADED);
        let mut lines = loaded.lines();
        assert_eq!(lines.next(), Some(AUTH_PASS), "{host}: {loaded}");
        let paths: Vec<&str> = lines.collect();
        assert_eq!(paths, [PATH, PATH], "{host}");
    }
    cluster.lvsctl(&["verify"]).expect(0);
    cluster.edit(&odd, PLAIN);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
}
