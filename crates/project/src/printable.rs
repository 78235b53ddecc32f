//! Texts of files as they may be shown.

/// At most `most` characters of `text` as they may be shown at a terminal: what is no printable
/// character (controls, marks that turn the direction of a text around, code points without a
/// meaning) is `?`, white space is a space, and `…` stands for what is left out.
pub fn printable(text: &str, most: usize) -> String {
    let mut shown = String::new();
    let mut all = text.chars();
    // A character is looked at behind another: at the beginning of a text one that combines with
    // what is before it has nothing to do so with.
    let mut pair = String::new();
    for c in all.by_ref().take(most) {
        pair.clear();
        pair.extend(['x', c]);
        let is_joiner = matches!(c, '\u{200c}' | '\u{200d}');
        let is_shown = matches!(c, '\\' | '"' | '\'') || !pair.escape_debug().any(|c| c == '\\');
        shown.push(match c {
            c if c.is_control() => '?',
            c if c.is_whitespace() && !matches!(c, '\u{2028}' | '\u{2029}') => ' ',
            c if is_shown || is_joiner => c,
            _ => '?',
        });
    }
    if all.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::printable;
    use proptest::prelude::*;

    #[test]
    fn printable_characters_stay_as_they_are() {
        for text in
            ["year, \"région\" 'a\\b'", "海关 HS编码", "नेपाल", "e\u{301}t\u{301}", "50 ₹ 🙂"]
        {
            assert_eq!(printable(text, 60), text);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_shown() {
        assert_eq!(printable("\u{1b}[31mred\u{7}\0\r\n\t", 60), "?[31mred?????");
        assert_eq!(printable("a\u{202e}b\u{2066}c\u{feff}d\u{2028}e", 60), "a?b?c?d?e");
        assert_eq!(printable("\u{e000}\u{378}\u{85}", 60), "???");
        assert_eq!(printable("1\u{a0}234\u{202f}567", 60), "1 234 567");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("abc", 3), "abc");
        assert_eq!(printable("海关编码", 2), "海关…");
        assert_eq!(printable("", 3), "");
    }

    proptest! {
        #[test]
        fn nothing_shown_is_a_control_character(text in any::<String>(), most in 0_usize..80) {
            let shown = printable(&text, most);
            prop_assert!(shown.chars().count() <= most + 1);
            prop_assert!(!shown.chars().any(char::is_control));
            prop_assert_eq!(printable(&shown, most + 1), shown);
        }
    }
}
