use super::*;

const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQTtWTVzd2t27+t0DEHBPW7iOD23TUiYLio";
const B: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHwf2HMM5TRXvo2SQJjsNkiDD5KqiiNjrGVv3UUh+mMT5RHxiRtOnlqvjhQtBq0VpmpCV/PwUdhOig4vkbqAcEc=";

fn blob(key: &str) -> Vec<u8> {
    PublicKey::from_openssh(key)
        .and_then(|k| k.to_bytes())
        .expect("a key of the tests is well-formed")
}

fn hashed(name: &str) -> String {
    let salt = [7u8; 20];
    let mac = Hmac::<Sha1>::new_from_slice(&salt).expect("any length is a key");
    let hash = mac.chain_update(name.as_bytes()).finalize().into_bytes();
    HostPatterns::HashedName {
        salt: salt.to_vec(),
        hash: hash.into(),
    }
    .to_string()
}

fn check(text: &str, host: &str, port: u16, key: &str) -> Verdict {
    KnownHosts::parse(Path::new("known"), text).check(&HostName::new(host, port), &blob(key))
}

fn lines_of(verdict: &Verdict) -> Vec<usize> {
    match verdict {
        Verdict::Changed(known) => known.iter().map(|k| k.line).collect(),
        Verdict::Revoked(known) => vec![known.line],
        _ => Vec::new(),
    }
}

/// Cases that the reader of libssh2 gets wrong, and some that it gets right.
#[test]
fn names_and_patterns() {
    let known = Verdict::Known;
    let unknown = Verdict::Unknown {
        authority: Authority::None,
    };
    for (hosts, host, port, want) in [
        ("rs1", "rs1", 22, &known),
        ("rs1", "RS1", 22, &known),
        ("RS1", "rs1", 22, &known),
        ("rs1", "rs2", 22, &unknown),
        ("rs1", "rs1", 2222, &unknown),
        ("rs1,192.0.2.7", "192.0.2.7", 22, &known),
        ("[rs1]:2222", "rs1", 2222, &known),
        ("[rs1]:2222", "rs1", 22, &unknown),
        ("[rs1]:22", "rs1", 22, &known),
        ("[2001:db8::7]:2222", "2001:db8::7", 2222, &known),
        ("2001:db8::7", "2001:db8::7", 22, &known),
        ("*", "anything", 22, &known),
        ("rs*", "rs17", 22, &known),
        ("rs?", "rs17", 22, &unknown),
        ("192.0.2.*", "192.0.2.7", 22, &known),
        ("[*.example.net]:999", "a.example.net", 999, &known),
        ("rs*,!rs3", "rs3", 22, &unknown),
        ("!rs3,rs*", "rs3", 22, &unknown),
        ("rs*,!rs3", "rs4", 22, &known),
        ("!rs3", "rs4", 22, &unknown),
    ] {
        let got = check(&format!("{hosts} {A}\n"), host, port, A);
        assert_eq!(&got, want, "{hosts} for {host} port {port}");
    }
    assert_eq!(
        check(&format!("{} {A}", hashed("rs1")), "RS1", 22, A),
        known
    );
    assert_eq!(
        check(&format!("{} {A}", hashed("rs1")), "rs2", 22, A),
        unknown
    );
    assert_eq!(
        check(&format!("{} {A}", hashed("[rs1]:2222")), "rs1", 2222, A),
        known
    );
}

#[test]
fn lines_as_people_write_them() {
    for line in [
        format!("rs1 {A} a comment # with a hash"),
        format!("  rs1\t{}  ", A.replace(' ', "\t ")),
        format!("# rs1 {B}\n\nrs1 {A}\r"),
        format!("complete nonsense\nrs1\nrs1 ssh-ed25519 AAAA\nrs1 {A}"),
        format!("@nonsense rs1 {A}\nrs1 {A}"),
        format!("rs1 2048 35 1234567890\nrs1 {A}"),
        format!("|1|nonsense|nonsense= {B}\nrs1 {A}"),
    ] {
        assert_eq!(check(&line, "rs1", 22, A), Verdict::Known, "{line}");
    }
    let known = KnownHosts::parse(Path::new("known"), &format!("rs1 {A}\ngarbage\n\n@x y z\n"));
    let at: Vec<usize> = known.unreadable.iter().map(|(_, line)| *line).collect();
    assert_eq!(at, [2, 4]);
}

#[test]
fn revoked_keys_are_refused_whatever_else_is_there() {
    for text in [
        format!("@revoked rs1 {A}\nrs1 {A}"),
        format!("rs1 {A}\n@revoked * {A}"),
        format!("rs1 {A}\n@revoked\t{} {A}", hashed("rs1")),
    ] {
        let got = check(&text, "rs1", 22, A);
        assert!(matches!(got, Verdict::Revoked(_)), "{text}: {got:?}");
    }
    assert_eq!(
        check(&format!("@revoked rs1 {B}\nrs1 {A}"), "rs1", 22, A),
        Verdict::Known
    );
    assert_eq!(
        check(&format!("@revoked rs2 {A}\nrs1 {A}"), "rs1", 22, A),
        Verdict::Known
    );
    let only = check(&format!("@revoked rs1 {B}"), "rs1", 22, A);
    assert_eq!(
        only,
        Verdict::Unknown {
            authority: Authority::None
        }
    );
}

#[test]
fn changed_keys_name_every_line_that_is_known() {
    let got = check(&format!("# c\nrs1 {B}\nrs2 {A}\n* {ECDSA}\n"), "rs1", 22, A);
    assert_eq!(lines_of(&got), [2, 4]);
    let Verdict::Changed(known) = got else {
        panic!("{got:?}");
    };
    assert_eq!(known[0].to_string(), "known:2");
    assert!(known[0].fingerprint.starts_with("SHA256:"));
}

#[test]
fn a_certificate_authority_vouches_for_no_plain_key() {
    let text = format!("@cert-authority * {A}");
    let verdict = check(&text, "rs1", 22, A);
    assert!(
        matches!(
            verdict,
            Verdict::Unknown {
                authority: Authority::NoCertificate(_)
            }
        ),
        "{verdict:?}"
    );
    assert_eq!(
        check(&format!("{text}\nrs1 {A}"), "rs1", 22, A),
        Verdict::Known
    );
}

/// The key types to ask a server for first.
#[test]
fn key_types() {
    let text = format!("rs1 {ECDSA}\n@revoked rs1 {A}\nrs2 {A}\nrs* {ECDSA}\n");
    let known = KnownHosts::parse(Path::new("known"), &text);
    let types = |host| known.key_types(&HostName::new(host, 22));
    assert_eq!(types("rs1"), ["ecdsa-sha2-nistp256"]);
    assert_eq!(types("rs2"), ["ssh-ed25519", "ecdsa-sha2-nistp256"]);
    assert!(types("other").is_empty());
}

#[test]
fn a_server_key_is_named() {
    let key = host_key(&blob(A)).expect("a key");
    assert_eq!(format!("{} {}", key.algorithm, key.base64), A);
    assert_eq!(host_key(b"garbage"), None);
    assert_eq!(host_key(b""), None);
}

#[test]
fn adding_creates_the_file_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("a/.ssh/known_hosts");
    let store = Store::default();
    let (name, key) = (
        HostName::new("rs1", 2222),
        host_key(&blob(A)).expect("a key"),
    );
    let files = [file.clone()];
    let verdict = |blob: &[u8]| store.load(&files, &name).expect("reads").check(&name, blob);
    assert_eq!(
        verdict(&blob(A)),
        Verdict::Unknown {
            authority: Authority::None
        }
    );
    let added = store.add(&file, &name, &key, &blob(A));
    assert_eq!(added.expect("adds"), Verdict::Known);
    assert_eq!(verdict(&blob(A)), Verdict::Known);
    let text = std::fs::read_to_string(&file).expect("the file");
    assert_eq!(text, format!("[rs1]:2222 {A}\n"));
    let mode = |path: &Path| path.metadata().expect("it exists").permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().expect("a folder")), 0o700);
    // Another key, as if in between: the file is heard first, and nothing is added.
    let other = store.add(&file, &name, &host_key(&blob(B)).expect("a key"), &blob(B));
    assert_eq!(lines_of(&other.expect("reads")), [1]);
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), text);
}

#[test]
fn adding_from_many_threads_loses_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("known_hosts");
    std::fs::write(&file, format!("first {A}")).expect("writes");
    let (store, key, blob) = (
        Store::default(),
        host_key(&blob(A)).expect("a key"),
        blob(A),
    );
    std::thread::scope(|scope| {
        for n in 0..20 {
            let (store, file, key, blob) = (&store, &file, &key, &blob);
            scope.spawn(move || {
                let name = HostName::new(&format!("rs{}", n % 10), 22);
                store.add(file, &name, key, blob).expect("adds");
            });
        }
    });
    let text = std::fs::read_to_string(&file).expect("the file");
    let mut hosts: Vec<&str> = text.lines().filter_map(|l| l.split(' ').next()).collect();
    hosts.sort_unstable();
    let want: Vec<String> = std::iter::once("first".to_owned())
        .chain((0..10).map(|n| format!("rs{n}")))
        .collect();
    assert_eq!(hosts, want);
    assert!(
        text.lines()
            .all(|l| l.ends_with(A.rsplit(' ').next().expect("a word")))
    );
}
