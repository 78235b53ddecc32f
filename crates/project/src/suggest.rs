//! The name that was meant.

/// ` (did you mean ...?)` if one of `known` is close to `name`.
pub fn suggest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .min()
        .filter(|(distance, _)| *distance <= name.len() / 3)
        .map_or_else(String::new, |(_, known)| format!(" (did you mean `{known}`?)"))
}
