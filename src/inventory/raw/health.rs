//! Health checks as they are written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::SeqAccess;

use super::word::{Codes, Port, Seconds, Version, Whole};
use crate::diagnostic::{Expected, choices, shown};
use crate::inventory::field::{Many, Opt, Peek, Shaped, Wrong, shaped};
use crate::inventory::foreign;
use crate::inventory::form::Form;
use crate::inventory::scalar::switch;

/// Off, or a check.
#[derive(Debug)]
pub(in crate::inventory) enum HealthCheck {
    Off,
    On(Box<LongHealthCheck>),
}

/// A health check, long form. One of `tcp`, `http`, `https` and `script` selects the type. Default: `tcp`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "HealthCheck")]
pub(in crate::inventory) struct LongHealthCheck {
    /// Passes if a TCP connection to the port is established: `tcp: {}`.
    pub tcp: Opt<TcpCheck>,
    /// Passes if an HTTP request gets an accepted status.
    pub http: Opt<HttpCheck>,
    /// Passes if an HTTPS request gets an accepted status. The certificate is not verified.
    pub https: Opt<HttpCheck>,
    /// Passes if a program on the director exits with 0. It gets the real server's address and port as arguments.
    /// lvsctl does not copy it to the directors; a custom role can.
    pub script: Opt<ScriptCheck>,
    /// The port to test. Default: the port of the real server. An `http` or `https` check uses it only if `http` or
    /// `https` of `check` contains it, otherwise the first port of the service that they contain. With a fwmark, `tcp`
    /// tests each single port of the service, `script` the first one, `http` and `https` the first one that `http` or
    /// `https` of `check` contains. `lvsctl check` warns of ports that are not tested.
    pub port: Opt<Port>,
    /// Timeout of a check in seconds. Default: 3.
    pub connect_timeout: Opt<Seconds>,
    /// Repetitions of a failed check before the real server is taken out. Default: 3.
    pub retry: Opt<Whole<u32, 1, 1000>>,
    /// Seconds between repetitions. Default: 3.
    pub delay_before_retry: Opt<Seconds>,
    /// Successful checks in a row before a real server is added again. Only for lvsctl's health checker; keepalived
    /// needs one. Default: 2.
    pub rise: Opt<Whole<u32, 1, 1000>>,
}

/// No keys: a TCP connection is enough.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "TcpCheck")]
pub(in crate::inventory) struct TcpCheck {}

/// Request and expected response of an HTTP or HTTPS check.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "HttpCheck")]
pub(in crate::inventory) struct HttpCheck {
    /// The path to request. Default: `/`.
    pub path: Opt<String>,
    /// The host name to request, if the server needs one: the Host header, and SNI for HTTPS. Default: the real
    /// server's address.
    pub host: Opt<String>,
    /// The accepted status: `401`, a range (`200-299`), or several of them (`[200-299, 302]`). More than one code
    /// needs keepalived 2.0.17. Default: 200.
    pub status: Opt<Many<Codes>>,
    /// A string that the body must contain, such as `all is well`, without `"` and `\`. Status line and headers are
    /// not searched. Default: any body.
    pub text: Opt<String>,
    /// The HTTP version: `1.0`, or `1.1` for a server that refuses 1.0 (needs keepalived 2.0.17). Default: 1.0.
    pub version: Opt<Version>,
}

/// The program of a health check.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ScriptCheck", extend("required" = ["path"]))]
pub(in crate::inventory) struct ScriptCheck {
    /// Absolute path of the program on the director.
    pub path: Opt<String>,
    /// Seconds that it may take. Default: 5.
    pub timeout: Opt<Seconds>,
}

shaped!(HealthCheck);

const KINDS: &[&str] = &["tcp", "http", "https"];

impl Shaped for HealthCheck {
    const EXPECTED: Expected =
        Expected::other("`tcp`, `http`, `https`, a map, or `false` for no check");

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        let mut long = LongHealthCheck::default();
        match shape {
            "bool" => {
                let on: bool = node.as_a()?;
                return Ok(Some(if on {
                    Self::On(Box::default())
                } else {
                    Self::Off
                }));
            }
            "text" => {
                let word: String = node.as_a()?;
                match word.to_lowercase().as_str() {
                    "tcp" => long.tcp = Opt::Given(TcpCheck::default()),
                    "http" => long.http = Opt::Given(HttpCheck::default()),
                    "https" => long.https = Opt::Given(HttpCheck::default()),
                    _ => {
                        let message = format!("unknown health check {}", shown(&word));
                        return Err(Wrong::because(message, instead(&word)).into_error());
                    }
                }
            }
            "map" | "null" => long = node.as_a()?,
            _ => return Ok(None),
        }
        Ok(Some(Self::On(Box::new(long))))
    }
}

/// The fix for a word that is no health check.
fn instead(word: &str) -> String {
    if let Some(on) = switch(word) {
        return format!("write `{on}`");
    }
    match foreign::health_check(word) {
        Some("script") => return "write `{ script: { path: /usr/local/bin/check } }`".to_owned(),
        Some(ours) => return format!("write `{ours}`"),
        None => {}
    }
    let first = word.split_whitespace().next().unwrap_or_default();
    if first.starts_with('/') {
        let script = Form::below(&["script", "path"], Form::word(first));
        let why = if first.len() < word.len() {
            ": it gets the real server's address and port as arguments, and no others"
        } else {
            " for a program"
        };
        // A path with the end of a web page is a request, not a program.
        return if [".html", ".htm", ".php"]
            .iter()
            .any(|end| first.ends_with(end))
        {
            let page = Form::below(&["http", "path"], Form::word(first));
            format!("write `{page}` for a page")
        } else {
            format!("write `{script}`{why}")
        };
    }
    if let Some((scheme @ ("http" | "https"), rest)) = word.split_once("://") {
        let path = rest.split_once('/').map_or("", |(_, path)| path);
        let page = Form::below(&[scheme, "path"], Form::word(format!("/{path}")));
        return format!("write `{page}`");
    }
    format!(
        "{}; a program of yours may ask: `health_check: {{ script: {{ path: /usr/local/bin/check }} }}`",
        choices(word, KINDS)
    )
}

impl JsonSchema for HealthCheck {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HealthCheck".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<LongHealthCheck>();
        json_schema!({ "anyOf": [{ "type": "boolean" }, { "enum": KINDS }, long] })
    }
}
