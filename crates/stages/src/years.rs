//! Years, for messages.

/// Years in ascending order as spans: `2005 to 2010, 2012`; `none` for none.
pub(crate) fn spans(years: impl IntoIterator<Item = i32>) -> String {
    let mut spans: Vec<(i32, i32)> = Vec::new();
    for year in years {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == year => *last = year,
            _ => spans.push((year, year)),
        }
    }
    let texts: Vec<String> = spans
        .into_iter()
        .map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first} to {last}"),
        })
        .collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::spans;

    #[test]
    fn years_beside_each_other_are_a_span() {
        assert_eq!(spans([2005, 2006, 2007, 2010]), "2005 to 2007, 2010");
        assert_eq!(spans([]), "none");
    }
}
