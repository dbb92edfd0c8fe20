//! `keepalived -t` refuses every configuration: the directors keep the one they have.

use super::{Ended, FIRST_APPLY, change, settled};
use crate::Test;
use crate::announce::Watch;
use crate::edits::Edit;
use crate::pair::{Load, Pair};

const DIRECTORS: [&str; 3] = ["lb1", "lb2", "lb3"];

/// In the search path before the real one, which systemd starts by its path.
const REFUSE: &str = r#"cat >/usr/local/sbin/keepalived <<'END'
#!/bin/sh
case " $* " in *' -t '*) echo 'refused by a test' >&2; exit 1 ;; esac
exec /usr/sbin/keepalived "$@"
END
chmod 755 /usr/local/sbin/keepalived"#;
const ACCEPT: &str = "rm /usr/local/sbin/keepalived";

const SAID: &str = "the check of /etc/keepalived/keepalived.conf failed";

pub(super) fn tests(edits: &'static [&'static Edit]) -> Vec<(String, Test)> {
    let edits = edits.iter().map(|edit| Some(*edit));
    let all = [None].into_iter().chain(edits);
    all.map(|edit| {
        let test = move |pair: &Pair| refused(pair, edit);
        let name = edit.map_or(FIRST_APPLY, |edit| edit.name);
        (format!("cut::refused::{name}"), Box::new(test) as Test)
    })
    .collect()
}

fn refused(pair: &Pair, edit: Option<&Edit>) -> Result<String, String> {
    match edit {
        None => pair.make_bare(),
        Some(edit) => pair.edit(edit),
    }
    let (load, ended) = match edit {
        None => (Load::default(), once(pair, edit)),
        Some(_) => pair.under_load(|| once(pair, edit)),
    };
    let ended = ended?;
    if let Some(edit) = edit {
        change(pair, &edit.back())?;
    }
    if load.lost > 0 {
        return Err(load.whole);
    }
    Ok(format!(
        "refused, {} questions for VIPs, {load}",
        ended.questions
    ))
}

fn once(pair: &Pair, edit: Option<&Edit>) -> Result<Ended, String> {
    let watch = Watch::begin(pair);
    for host in DIRECTORS {
        pair.cluster.on(host, REFUSE);
    }
    let ran = pair.apply();
    for host in DIRECTORS {
        pair.cluster.on(host, ACCEPT);
    }
    if ran.status != 1 || !ran.stderr.contains(SAID) {
        return Err(format!(
            "expected exit 1 and {SAID:?}, found exit {}:\n{}",
            ran.status, ran.stderr
        ));
    }
    settled(pair, watch, edit, false)
}
