//! Numbers written as a pattern says: `to_char` of numbers.

use datafusion::common::{Result, not_impl_err};
use std::cmp::Ordering;

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// A digit, or nothing where it would lead with a zero.
    Nine,
    /// A digit.
    Zero,
    Point,
    Comma,
    Literal(String),
}

/// Where the sign stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Before the first digit, a blank for what is not negative.
    Blank,
    /// `S`: before the first digit, with a plus.
    Leading,
    /// `S` behind the digits.
    Trailing,
    /// `MI`: a minus at its place.
    Minus,
    /// `PR`: in angle brackets.
    Brackets,
}

#[derive(Debug)]
struct Pattern {
    parts: Vec<Part>,
    sign: Sign,
    /// `FM`: without blanks and without zeros behind the point that a 9 would write.
    is_filled: bool,
}

fn parsed(pattern: &str) -> Result<Pattern> {
    let mut found = Pattern { parts: Vec::new(), sign: Sign::Blank, is_filled: true };
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let upper: String = rest.chars().take(4).collect::<String>().to_ascii_uppercase();
        let n = match upper.as_str() {
            known if known.starts_with("FM") => {
                found.is_filled = false;
                2
            }
            known if known.starts_with("MI") => {
                found.sign = Sign::Minus;
                2
            }
            known if known.starts_with("PR") => {
                found.sign = Sign::Brackets;
                2
            }
            "EEEE" => return not_impl_err!("to_char with EEEE: cast to double precision and text"),
            known
                if known.starts_with("RN") || known.starts_with("TH") || known.starts_with('V') =>
            {
                return not_impl_err!("to_char of numbers with RN, TH or V");
            }
            _ => {
                let part = match c {
                    '9' => Part::Nine,
                    '0' => Part::Zero,
                    '.' | 'D' | 'd' => Part::Point,
                    ',' | 'G' | 'g' => Part::Comma,
                    'S' | 's' => {
                        let is_behind = !found.parts.is_empty();
                        found.sign = if is_behind { Sign::Trailing } else { Sign::Leading };
                        rest = &rest[1..];
                        continue;
                    }
                    '"' => {
                        let text: String = rest.chars().skip(1).take_while(|c| *c != '"').collect();
                        let n = text.len() + 2;
                        found.parts.push(Part::Literal(text));
                        rest = rest.get(n..).unwrap_or_default();
                        continue;
                    }
                    'L' | 'l' => Part::Literal("$".to_owned()),
                    other => Part::Literal(other.to_string()),
                };
                found.parts.push(part);
                c.len_utf8()
            }
        };
        rest = &rest[n..];
    }
    Ok(found)
}

impl Pattern {
    /// How many digits it has before the point, and behind it.
    fn digits(&self) -> (usize, usize) {
        let point = self.parts.iter().position(|part| *part == Part::Point);
        let (before, behind) = self.parts.split_at(point.unwrap_or(self.parts.len()));
        let n = |parts: &[Part]| {
            parts.iter().filter(|part| matches!(part, Part::Nine | Part::Zero)).count()
        };
        (n(before), n(behind))
    }

    fn written(&self, value: &str) -> String {
        let (n_before, n_behind) = self.digits();
        let (is_negative, digits) = match value.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, value),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let whole = whole.trim_start_matches('0');
        let is_too_large = whole.len() > n_before;
        let is_zero = whole.is_empty() && fraction.chars().all(|c| c == '0');
        // A zero before the point is written where no digits are behind it.
        let whole = if whole.is_empty() && n_behind == 0 { "0" } else { whole };
        let first_digit = n_before - whole.len().min(n_before);
        let first_zero = {
            let digits = self.parts.iter().filter(|part| matches!(part, Part::Nine | Part::Zero));
            digits.take(n_before).position(|part| *part == Part::Zero).unwrap_or(n_before)
        };
        let begin = first_digit.min(first_zero);
        let last = self.last_behind(fraction, n_behind);
        let (mut text, mut at, mut is_behind, mut sign_at) = (String::new(), 0, false, None);
        for part in &self.parts {
            match part {
                Part::Nine | Part::Zero if is_behind => {
                    let place = at - n_before;
                    at += 1;
                    if place < last {
                        text.push(fraction.chars().nth(place).unwrap_or('0'));
                    }
                }
                Part::Nine | Part::Zero => {
                    if at < begin {
                        text.push(' ');
                    } else {
                        sign_at.get_or_insert(text.len());
                        let place = at.checked_sub(first_digit);
                        let digit = place.and_then(|place| whole.chars().nth(place));
                        text.push(if is_too_large { '#' } else { digit.unwrap_or('0') });
                    }
                    at += 1;
                }
                Part::Comma => text.push(if at > begin { ',' } else { ' ' }),
                Part::Point => {
                    sign_at.get_or_insert(text.len());
                    (is_behind, at) = (true, n_before);
                    text.push('.');
                }
                Part::Literal(literal) => text.push_str(literal),
            }
        }
        let to_zero = if is_negative && !is_zero { Ordering::Less } else { Ordering::Greater };
        self.signed(text, sign_at.unwrap_or(0), to_zero)
    }

    /// How many digits behind the point are written.
    fn last_behind(&self, fraction: &str, n_behind: usize) -> usize {
        if self.is_filled {
            return n_behind;
        }
        let behind = self.parts.iter().skip_while(|part| **part != Part::Point);
        let zeros = behind.filter(|part| matches!(part, Part::Nine | Part::Zero));
        let last_zero = zeros.enumerate().filter(|(_, part)| **part == Part::Zero).last();
        let needed = last_zero.map_or(0, |(at, _)| at + 1);
        needed.max(fraction.trim_end_matches('0').len()).min(n_behind)
    }

    fn signed(&self, mut text: String, at: usize, to_zero: Ordering) -> String {
        let is_negative = to_zero.is_lt();
        match self.sign {
            Sign::Blank => text.insert(at, if is_negative { '-' } else { ' ' }),
            Sign::Leading => text.insert(at, if is_negative { '-' } else { '+' }),
            Sign::Trailing => text.push(if is_negative { '-' } else { '+' }),
            Sign::Minus => text.push(if is_negative { '-' } else { ' ' }),
            Sign::Brackets => {
                text.insert(at, if is_negative { '<' } else { ' ' });
                text.push(if is_negative { '>' } else { ' ' });
            }
        }
        if self.is_filled { text } else { text.replace(' ', "") }
    }
}

/// The digits that a pattern has behind the point.
pub(super) fn digits_behind(pattern: &str) -> Result<usize> {
    Ok(parsed(pattern)?.digits().1)
}

/// A number as the pattern says, of which `value` has as many digits behind the point.
pub(super) fn written(value: &str, pattern: &str) -> Result<String> {
    Ok(parsed(pattern)?.written(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_postgresql_writes_them() {
        // Of the examples in PostgreSQL's manual.
        for (value, pattern, expected) in [
            ("485", "999", " 485"),
            ("-485", "999", "-485"),
            ("485", "FM999", "485"),
            ("12", "9990999.9", "    0012.0"),
            ("12", "FM9990999.9", "0012."),
            ("-0.1", "99.99", "  -.10"),
            ("-0.1", "FM9.99", "-.1"),
            ("-0.10", "FM90.99", "-0.1"),
            ("0.1", "0.9", " 0.1"),
            ("1485", "9,999", " 1,485"),
            ("148.500", "999.999", " 148.500"),
            ("148.5", "FM999.999", "148.5"),
            ("148.5", "FM999.990", "148.500"),
            ("3148.500", "9G999D999", " 3,148.500"),
            ("-485", "S999", "-485"),
            ("-485", "999S", "485-"),
            ("-485", "999MI", "485-"),
            ("485", "999MI", "485 "),
            ("485", "FM999MI", "485"),
            ("-485", "999PR", "<485>"),
            ("4850", "999", " ###"),
            ("0", "999", "   0"),
            ("485", "\"Good number:\"999", "Good number: 485"),
        ] {
            let found = written(value, pattern).expect("a pattern");
            assert_eq!(found, expected, "{value} {pattern}");
        }
        assert!(written("1", "9EEEE").is_err());
    }
}
