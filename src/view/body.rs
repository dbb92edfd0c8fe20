//! The text of a page's body as keepalived looks for it: the pattern of `regex`. Which characters a text may have is the
//! inventory's part.

/// keepalived gives its pattern what it reads, read by read: the first time the end of the headers and all before it, if a
/// part of the body came with them (`http_process_response` in check_http.c). So status line and headers are matched first,
/// and left behind for good (pcre2pattern(3), "backtracking control"); what follows them, and every later read, is body.
const NOT_THE_HEAD: &str = r"^HTTP/[^\r\n]*\r\n(?:[^\r\n]+\r\n)*+\r\n(*SKIP)(*FAIL)|";

/// `\r` and `\n` become these characters in keepalived's quoted text, and mean them in a pattern as well. All others that a
/// pattern acts on stand in brackets: a backslash would not last.
pub(super) fn regex(text: &str) -> String {
    let literal = |c: char| match c {
        // In brackets it would say what is not meant: of `]`, `^` and `_` the one that is neither of the others.
        '^' => "(?![]_])[]-_]".to_owned(),
        '.' | '+' | '*' | '?' | '(' | ')' | '[' | '|' | '$' | '{' | '}' => format!("[{c}]"),
        c => c.to_string(),
    };
    format!(
        "{NOT_THE_HEAD}{}",
        text.chars().map(literal).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_itself_is_matched() {
        for (text, pattern) in [
            ("OK", "OK"),
            ("all is well", "all is well"),
            ("1.2+3", "1[.]2[+]3"),
            ("a:b=c,d;e/f-g_h", "a:b=c,d;e/f-g_h"),
            ("It works!", "It works!"),
            ("<b>läuft</b>", "<b>läuft</b>"),
            ("{status: up}", "[{]status: up[}]"),
            ("$_x ${y}", "[$]_x [$][{]y[}]"),
            ("[1] (a|b)*?", "[[]1] [(]a[|]b[)][*][?]"),
            ("a^b", "a(?![]_])[]-_]b"),
        ] {
            let whole = regex(text);
            assert_eq!(whole.strip_prefix(NOT_THE_HEAD), Some(pattern), "{text}");
            assert!(!whole.contains('"'), "{whole}");
        }
    }
}
