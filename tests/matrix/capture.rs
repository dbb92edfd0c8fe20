//! Captured packets of one host.

use crate::harness::Cluster;

pub(crate) struct Capture<'a> {
    cluster: &'a Cluster,
    host: &'a str,
}

impl<'a> Capture<'a> {
    /// Begins to write down what passes a host's eth0. It has begun when this returns.
    #[track_caller]
    pub(crate) fn of(cluster: &'a Cluster, host: &'a str, filter: &str) -> Self {
        cluster.on(
            host,
            "command -v tcpdump >/dev/null || apt-get -q install -y tcpdump >/dev/null 2>&1",
        );
        cluster.on(
            host,
            &format!(
                "tcpdump -p -i eth0 -n -e -l --immediate-mode '{filter}' >/tmp/seen 2>/tmp/tcpdump & \
                 echo $! >/tmp/tcpdump.pid; \
                 until grep -q 'listening on' /tmp/tcpdump; do kill -0 $! || exit 1; sleep 0.1; done"
            ),
        );
        Self { cluster, host }
    }

    /// Whether it has seen a packet so far whose line has this text.
    pub(crate) fn has(&self, text: &str) -> bool {
        let script = format!("grep -qF '{text}' /tmp/seen");
        self.cluster.succeeds(self.host, &script)
    }

    /// Ends it. A line for each packet.
    #[track_caller]
    pub(crate) fn end(self) -> String {
        self.cluster.on(
            self.host,
            "kill -INT $(cat /tmp/tcpdump.pid); \
             until grep -q 'dropped by kernel' /tmp/tcpdump; do sleep 0.1; done; \
             cat /tmp/seen; rm /tmp/seen /tmp/tcpdump /tmp/tcpdump.pid",
        )
    }
}
