//! The container of OpenSSH's private keys (PROTOCOL.key in OpenSSH): its public half, and how it is decrypted. The key
//! inside is not read here: the SSH library does that, and knows more kinds and spellings of keys than ssh-key.

use ssh_encoding::{Decode as _, Encode as _};
use ssh_key::{Cipher, Kdf};
use zeroize::Zeroizing;

const MAGIC: &[u8] = b"openssh-key-v1\0";
const LABEL: &str = "OPENSSH PRIVATE KEY";

/// OpenSSH's own; others write other widths.
const WIDTHS: [usize; 3] = [70, 64, 76];

pub(super) struct Container {
    cipher: String,
    kdf: String,
    kdf_options: Vec<u8>,
    public: Vec<u8>,
    private: Zeroizing<Vec<u8>>,
    /// Of ciphers that authenticate.
    tag: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Locked {
    WrongPassphrase,
    /// A cipher or a key derivation that is not known here; the SSH library may know it.
    Unknown,
}

impl Container {
    /// None: it is something else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new(Vec::new());
        let read = WIDTHS.iter().any(|width| {
            bytes.clear();
            let decoder = pem_rfc7468::Decoder::new_wrapped(text.trim().as_bytes(), *width);
            decoder.is_ok_and(|mut decoder| {
                decoder.type_label() == LABEL && decoder.decode_to_end(&mut bytes).is_ok()
            })
        });
        let mut rest = bytes.strip_prefix(MAGIC).filter(|_| read)?;
        let reader = &mut rest;
        let cipher = String::decode(reader).ok()?;
        let kdf = String::decode(reader).ok()?;
        let kdf_options = Vec::decode(reader).ok()?;
        // OpenSSH itself writes and reads containers of one key only.
        if u32::decode(reader).ok()? != 1 {
            return None;
        }
        Some(Self {
            cipher,
            kdf,
            kdf_options,
            public: Vec::decode(reader).ok()?,
            private: Zeroizing::new(Vec::decode(reader).ok()?),
            tag: reader.to_vec(),
        })
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.cipher != "none"
    }

    pub(super) fn public_blob(&self) -> &[u8] {
        &self.public
    }

    /// The same key in a container that is not encrypted.
    pub(super) fn decrypt(&self, passphrase: &str) -> Result<Zeroizing<String>, Locked> {
        let private = self.decrypt_private(passphrase)?;
        // Two equal random numbers: nothing else shows that the passphrase was right.
        let (first, second) = (private.get(..4), private.get(4..8));
        if first.is_none() || first != second {
            return Err(Locked::WrongPassphrase);
        }
        let mut bytes = Zeroizing::new(MAGIC.to_vec());
        let out = &mut *bytes;
        let written = "none"
            .encode(out)
            .and_then(|()| "none".encode(out))
            .and_then(|()| "".encode(out))
            .and_then(|()| 1_u32.encode(out))
            .and_then(|()| self.public.encode(out))
            .and_then(|()| private.encode(out));
        written.map_err(|_| Locked::Unknown)?;
        pem_rfc7468::encode_string(LABEL, pem_rfc7468::LineEnding::LF, &bytes)
            .map(Zeroizing::new)
            .map_err(|_| Locked::Unknown)
    }

    fn decrypt_private(&self, passphrase: &str) -> Result<Zeroizing<Vec<u8>>, Locked> {
        let cipher = Cipher::new(&self.cipher).map_err(|_| Locked::Unknown)?;
        if self.kdf != "bcrypt" {
            return Err(Locked::Unknown);
        }
        let options = &mut self.kdf_options.as_slice();
        let (Ok(salt), Ok(rounds)) = (Vec::decode(options), u32::decode(options)) else {
            return Err(Locked::Unknown);
        };
        let (key, iv) = Kdf::Bcrypt { salt, rounds }
            .derive_key_and_iv(cipher, passphrase)
            .map_err(|_| Locked::Unknown)?;
        let tag = match (cipher.has_tag(), self.tag.as_slice().try_into()) {
            (false, _) => None,
            (true, Ok(tag)) => Some(tag),
            (true, Err(_)) => return Err(Locked::Unknown),
        };
        let mut private = self.private.clone();
        cipher
            .decrypt(&key, &iv, &mut private, tag)
            .map_err(|_| Locked::WrongPassphrase)?;
        Ok(private)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    fn keygen(folder: &Path, name: &str, options: &[&str]) -> String {
        let file = folder.join(name);
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-C", "a comment", "-f"]).arg(&file);
        let status = command.args(options).status().expect("starts ssh-keygen");
        assert!(status.success(), "{name}");
        std::fs::read_to_string(file).expect("a key")
    }

    #[test]
    fn every_cipher_is_undone() {
        let folder = tempfile::tempdir().expect("a folder");
        let ciphers = [
            "aes256-ctr",
            "aes128-cbc",
            "aes256-gcm@openssh.com",
            "chacha20-poly1305@openssh.com",
        ];
        for cipher in ciphers {
            let options = ["-t", "ed25519", "-N", "right", "-a", "4", "-Z", cipher];
            let text = keygen(folder.path(), cipher, &options);
            let container = Container::parse(&text).expect("a container");
            assert!(container.is_encrypted(), "{cipher}");
            assert_eq!(
                container.decrypt("wrong"),
                Err(Locked::WrongPassphrase),
                "{cipher}"
            );
            let open = container.decrypt("right").expect(cipher);
            let open = Container::parse(&open).expect("a container");
            assert!(!open.is_encrypted(), "{cipher}");
            assert_eq!(open.public_blob(), container.public_blob(), "{cipher}");
        }
    }

    /// ssh-key takes no number that lacks a byte of the curve's; nistp521 has one in four of them.
    #[test]
    fn the_number_of_a_key_may_be_short() {
        let folder = tempfile::tempdir().expect("a folder");
        for n in 0..200 {
            let name = format!("key{n}");
            let options = ["-t", "ecdsa", "-b", "521", "-N", "right", "-a", "1"];
            let text = keygen(folder.path(), &name, &options);
            let container = Container::parse(&text).expect("a container");
            let open = container.decrypt("right").expect("decrypts");
            if ssh_key::PrivateKey::from_openssh(&*open).is_err() {
                return;
            }
        }
        panic!("no short number in 200 keys");
    }

    #[test]
    fn other_texts_are_no_containers() {
        for text in [
            "",
            "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n",
            "-----BEGIN EC PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END EC PRIVATE KEY-----\n",
        ] {
            assert!(Container::parse(text).is_none(), "{text}");
        }
    }
}
