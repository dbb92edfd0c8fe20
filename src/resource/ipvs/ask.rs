//! What a health checker asks a real server, as shell text, so that a look can ask the same.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::shell::{command, quote};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Ask {
    /// A connection is enough.
    Tcp(SocketAddr),
    Page(Page),
    /// A program of the administrator's own, which is not run just to look.
    Program,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    pub url: String,
    /// Where the URL's name is, as `--resolve` of curl(1) takes it.
    #[serde(default)]
    pub resolve: Option<String>,
    pub status: u16,
    #[serde(default)]
    pub text: Option<String>,
}

impl Ask {
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

impl Page {
    fn shell(&self, seconds: u32) -> String {
        let seconds = seconds.to_string();
        let mut words = vec!["curl", "-q", "-sk", "-g", "--noproxy", "*", "-m", &seconds];
        if let Some(resolve) = &self.resolve {
            words.extend(["--resolve", resolve]);
        }
        if self.text.is_none() {
            words.extend(["-o", "/dev/null"]);
        }
        words.extend(["-w", " %{http_code}", &self.url]);
        let mut text = format!(
            "page=$({} 2>/dev/null) && [ \"${{page##* }}\" = {} ]",
            command(words),
            self.status
        );
        if let Some(part) = &self.text {
            text.push_str(&format!(
                " && case $page in *{}*) ;; *) false;; esac",
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
    fn asks_are_shell_text() {
        let page = |resolve: Option<&str>, text: Option<&str>| {
            Ask::Page(Page {
                url: "http://10.0.0.1:80/up".to_owned(),
                resolve: resolve.map(str::to_owned),
                status: 200,
                text: text.map(str::to_owned),
            })
        };
        for (ask, want) in [
            (Ask::Program, "false"),
            (
                Ask::Tcp(SocketAddr::from(([10, 0, 0, 1], 80))),
                "command -v bash >/dev/null 2>&1 && timeout 3 bash -c '</dev/tcp/10.0.0.1/80' 2>/dev/null",
            ),
            (
                page(None, None),
                "page=$(curl -q -sk -g --noproxy '*' -m 3 -o /dev/null -w ' %{http_code}' http://10.0.0.1:80/up 2>/dev/null) \
                 && [ \"${page##* }\" = 200 ]",
            ),
            (
                page(Some("www:80:10.0.0.1"), Some("all is well")),
                "page=$(curl -q -sk -g --noproxy '*' -m 3 --resolve www:80:10.0.0.1 -w ' %{http_code}' http://10.0.0.1:80/up 2>/dev/null) \
                 && [ \"${page##* }\" = 200 ] && case $page in *'all is well'*) ;; *) false;; esac",
            ),
        ] {
            assert_eq!(ask.shell(3), want);
        }
    }
}
