//! Text that stands in double quotes in keepalived.conf. Inside them keepalived's parser (lib/parser.c, the same from
//! 2.0.5 to 2.4) leaves braces, `#`, `!`, `~`, `@` and blanks alone. It does not know an escaped quote, takes a backslash
//! for the begin of one, and replaces `$_PWD`, `${_ENV HOME}` and the like. Further rules about characters are the
//! caller's.

/// A line of keepalived.conf may have 1024 bytes; the word before a value and its indent need some.
pub(super) const LONGEST: usize = 900;

/// Whether keepalived would read another text, or another configuration.
pub(super) fn is_unfit(text: &str) -> bool {
    let plain = |c: char| c == ' ' || c.is_ascii_graphic();
    !text.chars().all(plain)
        || text.contains(['"', '\\'])
        || text.contains("$_")
        || text.contains("${")
        || text.len() > LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_that_the_parser_might_act_on() {
        // The character, what the parser does with it outside quotes, and whether quotes are enough.
        for (text, what, good) in [
            ("{", "BOB: splits the line", true),
            ("}", "EOB: splits the line, ends a block", true),
            ("{}", "both", true),
            ("#", "decomment: ends the line", true),
            ("!", "decomment: ends the line", true),
            (" ", "alloc_strvec: ends a word", true),
            ("'", "quotes a word where escapes are read", true),
            ("@", "read_line: a condition, at the begin of a line", true),
            ("~SEQ(a,1,2)", "add_seq, at the begin of a line", true),
            ("~LST(a,1)", "add_lst, at the begin of a line", true),
            ("%", "nothing", true),
            (";", "nothing", true),
            ("$", "replace_param: nothing follows", true),
            ("$a", "replace_param: no such parameter", true),
            ("$$", "replace_param", true),
            ("include", "check_include, at the begin of a line", true),
            ("$_PWD", "replace_param, inside quotes too", false),
            ("$_RANDOM", "replace_param", false),
            ("${_ENV HOME}", "replace_param, since 2.2", false),
            ("${a}", "replace_param: none today", false),
            ("\"", "alloc_strvec: ends the quotes", false),
            ("\\", "decomment: hides what follows, joins lines", false),
            ("a\\\\", "decomment", false),
            ("\\#", "decomment: a literal #, outside quotes alone", false),
            ("a\nb", "fgets: another line", false),
            ("a\rb", "read_line", false),
            ("a\tb", "alloc_strvec", false),
            ("\0", "fgets", false),
            ("\u{7f}", "a control character", false),
            ("ä", "two bytes", false),
        ] {
            assert_eq!(!is_unfit(text), good, "{text:?}: {what}");
        }
        assert!(!is_unfit(&"a".repeat(LONGEST)));
        assert!(is_unfit(&"a".repeat(LONGEST + 1)), "fgets: MAXBUF");
    }
}
