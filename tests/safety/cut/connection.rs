//! The connection to the host of the step ends, without a word of the host's shell.

use super::Kind;

/// Kills all processes of sshd but those that this comes by.
const CUT: &str = r#"own= p=$$
while [ "$p" -gt 1 ]; do own="$own $p"; p=$(sed -n 's/^PPid:\t//p' "/proc/$p/status"); done
cut=
for p in $(pgrep -x 'sshd|sshd-session'); do case " $own " in *" $p "*) ;; *) cut="$cut $p" ;; esac; done
[ -n "$cut" ] && kill -9 $cut"#;

pub(crate) const KIND: Kind = Kind {
    name: "connection",
    unnoticed: true,
    strike: |pair, _, host| {
        pair.cluster.on(host, CUT);
        Box::new(|| ())
    },
};
