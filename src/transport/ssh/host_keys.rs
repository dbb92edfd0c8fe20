//! The kinds of host key that a server is asked for.

/// A kind of key in known_hosts, its certificates, and its signatures.
struct Kind {
    name: &'static str,
    certificates: &'static [&'static str],
    plain: &'static [&'static str],
}

const fn kind(
    name: &'static str,
    certificates: &'static [&'static str],
    plain: &'static [&'static str],
) -> Kind {
    Kind {
        name,
        certificates,
        plain,
    }
}

/// In the order of preference where nothing is known of the host. SHA-1 signatures and DSA are not among them.
const KINDS: [Kind; 5] = [
    kind(
        "ssh-ed25519",
        &["ssh-ed25519-cert-v01@openssh.com"],
        &["ssh-ed25519"],
    ),
    kind(
        "ecdsa-sha2-nistp256",
        &["ecdsa-sha2-nistp256-cert-v01@openssh.com"],
        &["ecdsa-sha2-nistp256"],
    ),
    kind(
        "ecdsa-sha2-nistp384",
        &["ecdsa-sha2-nistp384-cert-v01@openssh.com"],
        &["ecdsa-sha2-nistp384"],
    ),
    kind(
        "ecdsa-sha2-nistp521",
        &["ecdsa-sha2-nistp521-cert-v01@openssh.com"],
        &["ecdsa-sha2-nistp521"],
    ),
    kind(
        "ssh-rsa",
        &[
            "rsa-sha2-512-cert-v01@openssh.com",
            "rsa-sha2-256-cert-v01@openssh.com",
        ],
        &["rsa-sha2-512", "rsa-sha2-256"],
    ),
];

/// The known types first: a host that is known by its ecdsa key must not be asked for its ed25519 key, which would look
/// like a changed one. The others follow, so that a host that was installed anew is reported as such. Certificates, where
/// an authority is known, come before plain keys.
pub(super) fn preference(known: &[String], authority: bool) -> String {
    let is_known = |kind: &&Kind| known.iter().any(|k| k == kind.name);
    let first: Vec<&Kind> = KINDS.iter().filter(is_known).collect();
    let rest: Vec<&Kind> = KINDS.iter().filter(|kind| !is_known(kind)).collect();
    let mut all = Vec::new();
    for kinds in [first, rest] {
        if authority {
            all.extend(kinds.iter().flat_map(|kind| kind.certificates));
        }
        all.extend(kinds.iter().flat_map(|kind| kind.plain));
    }
    all.into_iter().copied().collect::<Vec<&str>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key types that the server must be asked for first, since libssh2 compares only the one it gets.
    #[test]
    fn known_key_types_are_asked_for_first() {
        let types = |known: &[&str], authority: bool| {
            let known: Vec<String> = known.iter().map(|&k| k.to_owned()).collect();
            preference(&known, authority)
        };
        for (known, authority, first) in [
            (&[][..], false, "ssh-ed25519,ecdsa-sha2-nistp256,"),
            (
                &["ecdsa-sha2-nistp384"][..],
                false,
                "ecdsa-sha2-nistp384,ssh-ed25519,",
            ),
            (
                &["ssh-rsa"][..],
                false,
                "rsa-sha2-512,rsa-sha2-256,ssh-ed25519,",
            ),
            (
                &[][..],
                true,
                "ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,",
            ),
            (
                &["ssh-ed25519"][..],
                true,
                "ssh-ed25519-cert-v01@openssh.com,ssh-ed25519,ecdsa-sha2-nistp256-cert-v01@openssh.com,",
            ),
        ] {
            let all = types(known, authority);
            assert!(all.starts_with(first), "{known:?}, {authority}: {all}");
            assert_eq!(
                all.contains("cert"),
                authority,
                "{known:?}, {authority}: {all}"
            );
        }
        assert_eq!(types(&["ssh-dss"], false), types(&[], false));
    }
}
