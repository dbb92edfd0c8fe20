use std::path::Path;
use std::process::Command;

use super::*;

fn run(folder: &Path, words: &[&str]) {
    let mut command = Command::new("ssh-keygen");
    let output = command.current_dir(folder).args(words).output();
    let output = output.expect("starts ssh-keygen");
    assert!(output.status.success(), "{words:?}: {output:?}");
}

/// A certificate for a new ed25519 key, with an authority of a kind.
fn certificate(folder: &Path, authority: &[&str], options: &[&str]) -> Vec<u8> {
    for old in ["ca", "ca.pub", "key", "key.pub", "key-cert.pub"] {
        std::fs::remove_file(folder.join(old)).ok();
    }
    run(
        folder,
        &[&["-q", "-N", "", "-f", "ca", "-t"][..], authority].concat(),
    );
    run(folder, &["-q", "-N", "", "-f", "key", "-t", "ed25519"]);
    run(
        folder,
        &[&["-q", "-s", "ca", "-I", "id"][..], options, &["key.pub"]].concat(),
    );
    blob(&std::fs::read_to_string(folder.join("key-cert.pub")).expect("a certificate"))
}

fn blob(line: &str) -> Vec<u8> {
    let word = line.split(' ').nth(1).expect("a key");
    openssl::base64::decode_block(word.trim()).expect("base64")
}

#[test]
fn authorities_of_every_kind() {
    let folder = tempfile::tempdir().expect("a folder");
    for authority in [
        &["ed25519"][..],
        &["ecdsa", "-b", "256"],
        &["ecdsa", "-b", "384"],
        &["ecdsa", "-b", "521"],
        &["rsa", "-b", "2048"],
    ] {
        let mut blob = certificate(folder.path(), authority, &["-h", "-n", "rs1,*.example.net"]);
        let good = HostCertificate::parse(&blob).expect("a certificate");
        assert_eq!(good.fault("rs1", 2_000_000_000), None, "{authority:?}");
        let key = std::fs::read_to_string(folder.path().join("key.pub")).expect("a key");
        assert_eq!(good.plain(), self::blob(&key), "{authority:?}");
        let key = std::fs::read_to_string(folder.path().join("ca.pub")).expect("a key");
        assert_eq!(good.authority(), self::blob(&key), "{authority:?}");
        // One bit of the name that it is for.
        let at = blob.windows(3).position(|w| w == b"rs1").expect("a name");
        blob[at + 2] ^= 1;
        let forged = HostCertificate::parse(&blob).expect("a certificate");
        let fault = forged.fault("rs0", 2_000_000_000).expect("forged");
        assert!(fault.contains("signature"), "{authority:?}: {fault}");
    }
}

#[test]
fn what_is_wrong_with_one() {
    const NOW: u64 = 1_600_000_000;
    let folder = tempfile::tempdir().expect("a folder");
    let sha1 = &["-h", "-n", "rs1", "-t", "ssh-rsa"][..];
    for (about, authority, options, host, says) in [
        (
            "good",
            &["ed25519"][..],
            &["-h", "-n", "rs1"][..],
            "rs1",
            None,
        ),
        ("every host", &["ed25519"][..], &["-h"][..], "rs1", None),
        (
            "a wildcard",
            &["ed25519"][..],
            &["-h", "-n", "*.Example.net"][..],
            "rs1.example.net",
            None,
        ),
        (
            "another host",
            &["ed25519"][..],
            &["-h", "-n", "rs1,rs2"][..],
            "rs3",
            Some("it is for rs1, rs2, not for rs3"),
        ),
        (
            "a user's",
            &["ed25519"][..],
            &["-n", "rs1"][..],
            "rs1",
            Some("a user's certificate"),
        ),
        (
            "expired",
            &["ed25519"][..],
            &["-h", "-n", "rs1", "-V", "20190101:20200101"][..],
            "rs1",
            Some("expired"),
        ),
        (
            "to come",
            &["ed25519"][..],
            &["-h", "-n", "rs1", "-V", "20210101:20300101"][..],
            "rs1",
            Some("not valid yet"),
        ),
        (
            "SHA-1",
            &["rsa", "-b", "2048"][..],
            sha1,
            "rs1",
            Some("signature (ssh-rsa)"),
        ),
    ] {
        let blob = certificate(folder.path(), authority, options);
        assert!(is_certificate(&blob), "{about}");
        let fault = HostCertificate::parse(&blob)
            .expect("a certificate")
            .fault(host, NOW);
        match says {
            None => assert_eq!(fault, None, "{about}"),
            Some(says) => {
                let fault = fault.unwrap_or_else(|| panic!("{about}: valid"));
                assert!(fault.contains(says), "{about}: {fault}");
            }
        }
    }
}

#[test]
fn a_text_cut_anywhere_is_no_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let blob = certificate(folder.path(), &["ed25519"], &["-h", "-n", "rs1"]);
    for end in 0..blob.len() {
        assert!(HostCertificate::parse(&blob[..end]).is_none(), "{end}");
    }
    assert!(HostCertificate::parse(&[&blob[..], &[0]].concat()).is_none());
    assert!(!is_certificate(b""));
}
