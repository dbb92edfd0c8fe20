//! The script by which a director or client asks real servers.

use super::Question;
use crate::shell::{heredoc, quote};
use crate::view::in_brackets;

/// One curl for all pages and one shell for all connections; pages are requested only where there is curl.
pub(in crate::check) fn script(questions: &[Question]) -> String {
    let pages: Vec<&Question> = questions.iter().filter(|q| q.page.is_some()).collect();
    let others = questions.iter().filter(|q| q.page.is_none());
    let words = |all: &mut dyn Iterator<Item = &Question>| -> String {
        let each = all.map(|q| format!(" {},{}", q.at.ip(), q.at.port()));
        each.collect()
    };
    let mut text = String::new();
    if !pages.is_empty() {
        let configuration: Vec<String> = pages.iter().filter_map(|q| transfer(q)).collect();
        let texts: Vec<&str> = pages
            .iter()
            .map(|q| {
                q.page
                    .as_ref()
                    .and_then(|page| page.right.text.as_deref())
                    .unwrap_or_default()
            })
            .collect();
        let asks = heredoc("e2e_each", &configuration.join("next\n"));
        text.push_str(&format!(
            "if have curl; then part rs-pages\ne2e_texts={}\n{asks}fi\n",
            quote(&texts.join("\n"))
        ));
    }
    let connect = words(&mut { others });
    if !connect.is_empty() {
        text.push_str(&format!(
            "if have bash; then part rs-connections\ne2e_connect{connect}\nfi\n"
        ));
    }
    text
}

/// One request in words of curl's configuration.
fn transfer(question: &Question) -> Option<String> {
    let page = question.page.as_ref()?;
    let address = in_brackets(question.at.ip());
    let port = question.at.port();
    let scheme = if page.tls { "https" } else { "http" };
    let name = page.name.clone().unwrap_or_else(|| address.clone());
    let usual = if page.tls { 443 } else { 80 };
    let shown = if port == usual {
        String::new()
    } else {
        format!(":{port}")
    };
    let slash = if page.path.starts_with('/') { "" } else { "/" };
    let url = escaped(&format!("{scheme}://{name}{shown}{slash}{}", page.path));
    Some(format!(
        "url = \"{url}\"\nconnect-to = \"::{address}:{port}\"\ninsecure\ngloboff\nhttp1.1\nnoproxy = \"*\"\nconnect-timeout = 2\n\
         max-time = 5\nheader = \"Connection: close\"\n\
         write-out = \"\\n@lvsctl-e2e code=%{{http_code}} new=%{{num_connects}} exit=%{{exitcode}} err=%{{errormsg}}\\n\"\n"
    ))
}

/// curl's configuration file escapes by a backslash, and ends a value at the line.
fn escaped(text: &str) -> String {
    let kept = text.chars().filter(|c| !c.is_control());
    kept.flat_map(|c| {
        matches!(c, '"' | '\\')
            .then_some('\\')
            .into_iter()
            .chain([c])
    })
    .collect()
}
