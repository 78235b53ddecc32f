//! Letters of pages and figures: the same on every machine.

use base64::Engine as _;
use skera::{DEFAULT_LAYOUT_FEATURES, Plan, SubsetFlags, subset_font};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use write_fonts::read::FontRef;
use write_fonts::read::collections::IntSet;
use write_fonts::types::{NameId, Tag};

/// A font that is shipped.
#[derive(Debug)]
pub(crate) struct Font {
    /// Its family, as CSS names it.
    pub(crate) family: &'static str,
    /// Its weight in CSS.
    pub(crate) weight: &'static str,
    /// The file, TrueType.
    pub(crate) bytes: &'static [u8],
}

/// The family of texts; what it has no letters for is looked for in [`CJK`].
pub(crate) const FAMILY: &str = "DejaVu Sans";
/// The family of Chinese, Japanese and Korean letters.
pub(crate) const CJK: &str = "Droid Sans Fallback";

/// The fonts, in the order in which a letter is looked for.
pub(crate) const FONTS: [Font; 3] = [
    Font { family: FAMILY, weight: "400", bytes: include_bytes!("../assets/DejaVuSans.ttf") },
    Font { family: FAMILY, weight: "700", bytes: include_bytes!("../assets/DejaVuSans-Bold.ttf") },
    // One weight: browsers embolden it themselves.
    Font {
        family: CJK,
        weight: "400",
        bytes: include_bytes!("../assets/DroidSansFallbackFull.ttf"),
    },
];

/// A font that could not be reduced to the letters of a page.
#[derive(Debug, thiserror::Error)]
#[error("failed to reduce the font {family} to the letters of the page: {why}")]
pub struct FontError {
    family: &'static str,
    why: String,
}

/// The style of a page's letters: the fonts that it needs, and the families in their order as `--font`.
///
/// # Errors
///
/// [`FontError`] if a font is none.
pub(crate) fn style<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<String, FontError> {
    let faces = embedded(texts)?;
    Ok(format!("{faces}:root{{--font:\"{FAMILY}\",\"{CJK}\",Verdana,sans-serif}}"))
}

/// Rules of CSS that embed the fonts, with the letters of `texts` and of ASCII and no others.
///
/// # Errors
///
/// [`FontError`] if a font is none.
fn embedded<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<String, FontError> {
    let mut letters: BTreeSet<char> = (' '..='~').collect();
    // Those of ASCII are there, and most letters of a page are of these.
    let is_other = |c: &char| !c.is_ascii() && !c.is_control();
    letters.extend(texts.into_iter().flat_map(str::chars).filter(is_other));
    let mut css = String::new();
    for font in &FONTS {
        let failed =
            |why: &dyn std::fmt::Display| FontError { family: font.family, why: why.to_string() };
        let whole = FontRef::new(font.bytes).map_err(|error| failed(&error))?;
        let charmap = skrifa::MetadataProvider::charmap(&whole);
        let has = |c: &char| charmap.map(*c).is_some();
        // Letters of the first family are not looked for in the other one.
        if font.family == CJK {
            let first = FontRef::new(FONTS[0].bytes).map_err(|error| failed(&error))?;
            let first = skrifa::MetadataProvider::charmap(&first);
            letters.retain(|c| first.map(*c).is_none());
            if !letters.iter().any(has) {
                continue;
            }
        }
        let reduced = subset(&whole, letters.iter().filter(|c| has(c))).map_err(|e| failed(&e))?;
        let base64 = base64::engine::general_purpose::STANDARD.encode(reduced);
        let _ = write!(
            css,
            "@font-face{{font-family:\"{}\";font-weight:{};src:url(data:font/ttf;base64,{base64})}}",
            font.family, font.weight
        );
    }
    Ok(css)
}

/// The font with these letters, and what joins and shapes them.
fn subset<'c>(
    font: &FontRef<'_>,
    letters: impl Iterator<Item = &'c char>,
) -> Result<Vec<u8>, skera::SubsetError> {
    let mut unicodes = IntSet::<u32>::empty();
    unicodes.extend(letters.map(|c| u32::from(*c)));
    let mut scripts = IntSet::<Tag>::empty();
    scripts.invert();
    let mut features = IntSet::<Tag>::empty();
    features.extend(DEFAULT_LAYOUT_FEATURES.iter().copied());
    let mut languages = IntSet::<u16>::empty();
    // English, of Windows.
    languages.insert(0x0409);
    let mut names = IntSet::<NameId>::empty();
    names.insert_range(NameId::from(0)..=NameId::from(6));
    let mut dropped = IntSet::<Tag>::empty();
    dropped.extend(skera::DEFAULT_DROP_TABLES.iter().copied());
    let plan = Plan::new(
        &IntSet::empty(),
        &unicodes,
        font,
        SubsetFlags::SUBSET_FLAGS_NO_HINTING,
        &dropped,
        &scripts,
        &features,
        &names,
        &languages,
    );
    subset_font(font, &plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faces(css: &str) -> Vec<Vec<u8>> {
        css.split("base64,")
            .skip(1)
            .map(|part| {
                let text = part.split(')').next().expect("an end");
                base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
            })
            .collect()
    }

    #[test]
    fn a_page_has_the_letters_that_it_uses() {
        let css = embedded(["Región 区域", "المنطقة"]).expect("shipped fonts are fonts");
        let faces = faces(&css);
        assert_eq!(faces.len(), 3);
        for (face, (has, has_not)) in
            faces.iter().zip([("Aó−ق", "区Ж"), ("Aó", "区Ж"), ("区域", "A国")])
        {
            let font = FontRef::new(face).expect("a font");
            let charmap = skrifa::MetadataProvider::charmap(&font);
            for c in has.chars().filter(|c| *c != '−') {
                assert!(charmap.map(c).is_some(), "{c}");
            }
            for c in has_not.chars() {
                assert!(charmap.map(c).is_none(), "{c}");
            }
            assert!(face.len() < 120_000, "{} bytes", face.len());
        }
    }

    #[test]
    fn a_page_without_chinese_has_no_chinese_font() {
        assert_eq!(faces(&embedded(["Region"]).expect("fonts")).len(), 2);
    }
}
