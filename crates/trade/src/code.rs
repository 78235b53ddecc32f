//! Codes that a spreadsheet or a data frame has made numbers of.

/// The text of a code: the digits of one that was made a number, 11 of 11.0. A code such as 1.10
/// stays.
pub fn whole(text: &str) -> &str {
    match text.strip_suffix(".0") {
        Some(digits) if is_digits(digits) => digits,
        _ => text,
    }
}

/// Whether a text is a code that a spreadsheet has shortened: 8.47E+07, which has lost its digits.
pub fn is_shortened(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    text.split_once(['e', 'E']).is_some_and(|(number, power)| {
        is_digits(power.strip_prefix(['-', '+']).unwrap_or(power))
            && number.split_once('.').is_some_and(|(whole, rest)| {
                (is_digits(whole) || is_digits(rest))
                    && [whole, rest].into_iter().all(|part| part.is_empty() || is_digits(part))
            })
    })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_made_a_number_is_mended() {
        for (text, expected) in
            [("11.0", "11"), ("007.0", "007"), ("1.10", "1.10"), (".0", ".0"), ("A.0", "A.0")]
        {
            assert_eq!(whole(text), expected);
        }
    }

    #[test]
    fn a_code_in_scientific_notation_has_lost_its_digits() {
        for text in ["8.47E+07", "8.47e7", "-1.5E-03", ".5e3", "5.e3", "08.4E7"] {
            assert!(is_shortened(text), "{text}");
        }
        for text in ["8E07", "8.47", "1E5", "A1.2E3", "1.2E", "1.2E3.0", ".e3", ""] {
            assert!(!is_shortened(text), "{text}");
        }
    }
}
