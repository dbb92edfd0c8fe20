//! Certificates that servers show in place of a host key (PROTOCOL.certkeys in OpenSSH): reading one, and what is wrong
//! with it. That the server holds the key inside is proven by the key exchange. Whether the authority is one to trust
//! is decided in `known_hosts`.

use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::rsa::Rsa;
use openssl::sign::Verifier;
use ssh_encoding::{Decode as _, Encode as _};
use ssh_key::public::{EcdsaPublicKey, KeyData};
use ssh_key::{Mpint, PublicKey};
use wildmatch::WildMatch;

use super::error::printable;

const SUFFIX: &str = "-cert-v01@openssh.com";
/// Of a host, and not of a user.
const TYPE_HOST: u32 = 2;
/// An RSA authority is no weaker than what OpenSSH takes.
const RSA_BITS: u32 = 1024;

#[derive(Debug)]
pub struct HostCertificate {
    /// The key inside, as the server would show it without a certificate.
    plain: Vec<u8>,
    /// The public key of who signed it.
    authority: Vec<u8>,
    kind: u32,
    /// None: every host.
    principals: Vec<String>,
    after: u64,
    before: u64,
    /// Options that whoever does not know them must refuse; none is defined for hosts.
    critical: bool,
    signed: Vec<u8>,
    algorithm: String,
    signature: Vec<u8>,
}

/// The algorithm that a key's blob begins with.
fn algorithm(blob: &[u8]) -> Option<String> {
    String::decode(&mut &*blob).ok()
}

/// Whether a server's key is a certificate, be it a good or a bad one.
pub(super) fn is_certificate(blob: &[u8]) -> bool {
    algorithm(blob).is_some_and(|name| name.ends_with(SUFFIX))
}

impl HostCertificate {
    pub fn parse(blob: &[u8]) -> Option<Self> {
        let mut reader = blob;
        let reader = &mut reader;
        let name = String::decode(reader).ok()?;
        let name = name.strip_suffix(SUFFIX)?;
        let fields = match name {
            "ssh-ed25519" => 1,
            "ssh-rsa" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521" => 2,
            _ => return None,
        };
        let _nonce = Vec::<u8>::decode(reader).ok()?;
        let mut plain = Vec::new();
        name.encode(&mut plain).ok()?;
        for _ in 0..fields {
            Vec::<u8>::decode(reader).ok()?.encode(&mut plain).ok()?;
        }
        let _serial = u64::decode(reader).ok()?;
        let kind = u32::decode(reader).ok()?;
        let _key_id = Vec::<u8>::decode(reader).ok()?;
        let principals = Vec::<String>::decode(reader).ok()?;
        let after = u64::decode(reader).ok()?;
        let before = u64::decode(reader).ok()?;
        let critical = Vec::<u8>::decode(reader).ok()?;
        let _extensions = Vec::<u8>::decode(reader).ok()?;
        let _reserved = Vec::<u8>::decode(reader).ok()?;
        let authority = Vec::<u8>::decode(reader).ok()?;
        let signed = blob.get(..blob.len() - reader.len())?.to_vec();
        let signature = Vec::<u8>::decode(reader).ok()?;
        if !reader.is_empty() {
            return None;
        }
        let signature = &mut signature.as_slice();
        Some(Self {
            plain,
            authority,
            kind,
            principals,
            after,
            before,
            critical: !critical.is_empty(),
            signed,
            algorithm: String::decode(signature).ok()?,
            signature: Vec::<u8>::decode(signature).ok()?,
        })
    }

    pub fn plain(&self) -> &[u8] {
        &self.plain
    }

    pub fn authority(&self) -> &[u8] {
        &self.authority
    }

    /// What is wrong with it, at a time in seconds since 1970 and for a host by its name without a port.
    pub fn fault(&self, host: &str, now: u64) -> Option<String> {
        if !self.is_signed() {
            return Some(format!(
                "its signature ({}) is not one of its authority, or not one that is accepted: ed25519, ecdsa and rsa with SHA-2 are",
                printable(&self.algorithm)
            ));
        }
        if self.kind != TYPE_HOST {
            return Some(
                "it is a user's certificate, not a host's: sign it with `ssh-keygen -h`".to_owned(),
            );
        }
        if self.critical {
            return Some("it has critical options, and none is known for hosts".to_owned());
        }
        if now < self.after {
            return Some(format!(
                "it is not valid yet, for another {}: check the clock of this machine",
                span(self.after - now)
            ));
        }
        if now >= self.before {
            return Some(format!(
                "it expired {} ago: sign it anew",
                span(now - self.before)
            ));
        }
        let fits = |name: &String| WildMatch::new(&name.to_ascii_lowercase()).matches(host);
        if !self.principals.is_empty() && !self.principals.iter().any(fits) {
            let names: Vec<String> = self.principals.iter().map(|p| printable(p)).collect();
            return Some(format!(
                "it is for {}, not for {host}: sign it for that name, or set ssh.host or HostKeyAlias to one that it has",
                names.join(", ")
            ));
        }
        None
    }

    fn is_signed(&self) -> bool {
        let key = PublicKey::from_bytes(&self.authority);
        key.is_ok_and(|key| self.verify(key.key_data()).unwrap_or(false))
    }

    fn verify(&self, authority: &KeyData) -> Result<bool, ErrorStack> {
        match (authority, self.algorithm.as_str()) {
            (KeyData::Ed25519(key), "ssh-ed25519") => {
                let key = PKey::public_key_from_raw_bytes(&key.0, Id::ED25519)?;
                Verifier::new_without_digest(&key)?.verify_oneshot(&self.signature, &self.signed)
            }
            (KeyData::Rsa(key), "rsa-sha2-256" | "rsa-sha2-512") => {
                let number =
                    |n: &Mpint| BigNum::from_slice(n.as_positive_bytes().unwrap_or_default());
                let key = Rsa::from_public_components(number(&key.n)?, number(&key.e)?)?;
                if key.size() * 8 < RSA_BITS {
                    return Ok(false);
                }
                let digest = match self.algorithm.as_str() {
                    "rsa-sha2-256" => MessageDigest::sha256(),
                    _ => MessageDigest::sha512(),
                };
                let key: PKey<Public> = PKey::from_rsa(key)?;
                let mut verifier = Verifier::new(digest, &key)?;
                verifier.update(&self.signed)?;
                verifier.verify(&self.signature)
            }
            (KeyData::Ecdsa(key), algorithm)
                if format!("ecdsa-sha2-{}", key.curve()) == algorithm =>
            {
                self.verify_ecdsa(key)
            }
            _ => Ok(false),
        }
    }

    fn verify_ecdsa(&self, key: &EcdsaPublicKey) -> Result<bool, ErrorStack> {
        let (curve, digest) = match key {
            EcdsaPublicKey::NistP256(_) => (Nid::X9_62_PRIME256V1, MessageDigest::sha256()),
            EcdsaPublicKey::NistP384(_) => (Nid::SECP384R1, MessageDigest::sha384()),
            EcdsaPublicKey::NistP521(_) => (Nid::SECP521R1, MessageDigest::sha512()),
        };
        let group = EcGroup::from_curve_name(curve)?;
        let mut context = openssl::bn::BigNumContext::new()?;
        let point = EcPoint::from_bytes(&group, key.as_sec1_bytes(), &mut context)?;
        let key = EcKey::from_public_key(&group, &point)?;
        let numbers = &mut self.signature.as_slice();
        let (Ok(r), Ok(s)) = (Mpint::decode(numbers), Mpint::decode(numbers)) else {
            return Ok(false);
        };
        let (Some(r), Some(s)) = (r.as_positive_bytes(), s.as_positive_bytes()) else {
            return Ok(false);
        };
        let signature =
            EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?;
        signature.verify(&hash(digest, &self.signed)?, &key)
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
#[path = "host_certificate_tests.rs"]
mod tests;
