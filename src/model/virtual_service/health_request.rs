//! The request by which a health checker tests a real server, and the shell text that sends it: the own health checker and
//! facts send the same. It is that of keepalived (check_http.c): version, `User-Agent` and `Host`, no redirect followed, no
//! proxy, no certificate judged.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::super::{HttpVersion, StatusCodes};
use crate::shell::{command, quote};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum HealthRequest {
    /// A connection is enough.
    Tcp(SocketAddr),
    Page(PageRequest),
    /// A program of the administrator's; facts do not run it.
    Program,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageRequest {
    pub url: String,
    /// Where the URL's name is, as `--resolve` of curl(1) takes it.
    #[serde(default)]
    pub resolve: Option<String>,
    /// The `Host` header. None, as in manifests of earlier releases: as curl(1) makes it of the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    pub status: StatusCodes,
    /// What the body holds.
    #[serde(default)]
    pub text: Option<String>,
    #[serde(default)]
    pub version: HttpVersion,
}

impl HealthRequest {
    /// Succeeds when the real server answers as it should. Without the tool that asks, it fails.
    pub fn shell(&self, seconds: u32) -> String {
        match self {
            Self::Tcp(at) => {
                let open = format!("</dev/tcp/{}/{}", at.ip(), at.port());
                let seconds = seconds.to_string();
                let open = command(["timeout", &seconds, "bash", "-c", &open]);
                format!("command -v bash >/dev/null 2>&1 && {open} 2>/dev/null")
            }
            Self::Page(page) => page.shell(seconds),
            Self::Program => "false".to_owned(),
        }
    }
}

impl PageRequest {
    /// keepalived reads until the server closes, and takes one that does not for down: a length that the server states does
    /// not count. Over TLS the end is left to curl, since OpenSSL takes a connection that ends without a word for an error.
    fn shell(&self, seconds: u32) -> String {
        let seconds = seconds.to_string();
        let mut words = vec!["curl", "-q", "-sk", "-g", "--noproxy", "*", "-m", &seconds];
        match self.version {
            HttpVersion::V1_0 => words.push("--http1.0"),
            HttpVersion::V1_1 => words.extend(["--http1.1", "-H", "Connection: close"]),
        }
        if self.url.starts_with("http:") {
            words.push("--ignore-content-length");
        }
        words.extend(["-A", "KeepAliveClient", "-H", "Accept:"]);
        let host = self.host.as_ref().map(|host| format!("Host: {host}"));
        if let Some(host) = &host {
            words.extend(["-H", host]);
        }
        if let Some(resolve) = &self.resolve {
            words.extend(["--resolve", resolve]);
        }
        if self.text.is_none() {
            words.extend(["-o", "/dev/null"]);
        }
        words.extend(["-w", " %{http_code}", &self.url]);
        let mut text = format!(
            "page=$({} 2>/dev/null) && code=${{page##* }} && {}",
            command(words),
            self.status.shell("code")
        );
        if let Some(part) = &self.text {
            // The status that curl adds is no part of the body.
            text.push_str(&format!(
                " && case ${{page% *}} in *{}*) ;; *) false;; esac",
                quote(part)
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_shell_text() {
        let page = |status: &str, version| PageRequest {
            url: "http://10.0.0.1:80/up".to_owned(),
            resolve: None,
            host: Some("10.0.0.1:80".to_owned()),
            status: StatusCodes::parse(status).expect("status codes"),
            text: None,
            version,
        };
        let named = PageRequest {
            url: "https://www:443/".to_owned(),
            resolve: Some("www:443:10.0.0.1".to_owned()),
            host: Some("www".to_owned()),
            text: Some("all is well".to_owned()),
            ..page("200", HttpVersion::V1_0)
        };
        for (ask, want) in [
            (HealthRequest::Program, "false"),
            (
                HealthRequest::Tcp(SocketAddr::from(([10, 0, 0, 1], 80))),
                "command -v bash >/dev/null 2>&1 && timeout 3 bash -c '</dev/tcp/10.0.0.1/80' 2>/dev/null",
            ),
            (
                HealthRequest::Page(page("200", HttpVersion::V1_0)),
                "page=$(curl -q -sk -g --noproxy '*' -m 3 --http1.0 --ignore-content-length -A KeepAliveClient -H Accept: \
                 -H 'Host: 10.0.0.1:80' -o /dev/null -w ' %{http_code}' http://10.0.0.1:80/up 2>/dev/null) \
                 && code=${page##* } && [ \"$code\" = 200 ]",
            ),
            (
                HealthRequest::Page(page("200-299 401", HttpVersion::V1_1)),
                "page=$(curl -q -sk -g --noproxy '*' -m 3 --http1.1 -H 'Connection: close' --ignore-content-length \
                 -A KeepAliveClient -H Accept: -H 'Host: 10.0.0.1:80' -o /dev/null -w ' %{http_code}' \
                 http://10.0.0.1:80/up 2>/dev/null) && code=${page##* } \
                 && { [ \"$code\" -ge 200 -a \"$code\" -le 299 ] || [ \"$code\" = 401 ]; }",
            ),
            (
                HealthRequest::Page(named),
                "page=$(curl -q -sk -g --noproxy '*' -m 3 --http1.0 -A KeepAliveClient -H Accept: -H 'Host: www' \
                 --resolve www:443:10.0.0.1 -w ' %{http_code}' https://www:443/ 2>/dev/null) \
                 && code=${page##* } && [ \"$code\" = 200 ] && case ${page% *} in *'all is well'*) ;; *) false;; esac",
            ),
        ] {
            assert_eq!(ask.shell(3), want);
        }
    }
}
