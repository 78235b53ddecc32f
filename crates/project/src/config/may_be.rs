//! What a value of the config may be, in words: of its type, and of what its check refuses.

use super::choice::{
    AbsentRegions, Choice, CoOccurrenceMargin, Counted, DonorScale, Flow, LinkValidation, Named,
    OutlookGain, OutlookPci, OwnProduct, Part, PciScale, ProductBenchmark, ProximitySource,
    RcaComparison, RcaReference, RelatednessMeasure, SpatialWeights,
};
use super::episode::Episode;
use resilience::Benchmark;
use trade::{HsRevision, Method, TargetRevision};

/// A type of values, in words.
pub(super) trait MayBe: Sized {
    /// What all values of it are.
    fn kind() -> String;

    /// Values that a check may refuse, which says then what it expects.
    fn doubtful() -> Vec<Self> {
        Vec::new()
    }
}

/// What a value that `check` looks at may be.
pub(super) fn may_be<T: MayBe>(check: impl Fn(&T) -> Result<(), String>) -> String {
    let mut expected: Vec<String> = Vec::new();
    for value in T::doubtful() {
        let Err(why) = check(&value) else { continue };
        let text = why.split_once("expected ").map_or(why.as_str(), |(_, text)| text).to_owned();
        if !expected.contains(&text) {
            expected.push(text);
        }
    }
    match expected.as_slice() {
        [] => T::kind(),
        [text] if text.starts_with(&T::kind()) => text.clone(),
        _ => format!("{}: {}", T::kind(), expected.join("; ")),
    }
}

/// Names as a choice between them.
fn one_of(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

impl MayBe for bool {
    fn kind() -> String {
        one_of(["true", "false"])
    }
}

impl MayBe for f64 {
    fn kind() -> String {
        "a number".to_owned()
    }

    fn doubtful() -> Vec<Self> {
        vec![-1.0]
    }
}

impl MayBe for usize {
    fn kind() -> String {
        "a whole number".to_owned()
    }

    fn doubtful() -> Vec<Self> {
        vec![Self::MAX, 3]
    }
}

impl MayBe for u8 {
    fn kind() -> String {
        "a whole number".to_owned()
    }

    fn doubtful() -> Vec<Self> {
        vec![Self::MAX]
    }
}

impl MayBe for u64 {
    fn kind() -> String {
        "a whole number".to_owned()
    }
}

impl MayBe for i32 {
    fn kind() -> String {
        "a year".to_owned()
    }

    fn doubtful() -> Vec<Self> {
        vec![Self::MAX]
    }
}

impl<T: MayBe> MayBe for Vec<T> {
    fn kind() -> String {
        format!("a list, each {}", T::kind())
    }

    fn doubtful() -> Vec<Self> {
        let of_one = T::doubtful().into_iter().map(|value| vec![value]);
        std::iter::once(Self::new()).chain(of_one).collect()
    }
}

/// Choices that have names.
macro_rules! choices {
    ($($choice:ty,)*) => {
        $(
            impl MayBe for $choice {
                fn kind() -> String {
                    let all = <$choice as clap::ValueEnum>::value_variants();
                    one_of(all.iter().map(Choice::name))
                }
            }
        )*
    };
}

choices! {
    AbsentRegions,
    CoOccurrenceMargin,
    Counted,
    DonorScale,
    Flow,
    LinkValidation,
    OutlookGain,
    OutlookPci,
    OwnProduct,
    Part,
    PciScale,
    ProductBenchmark,
    ProximitySource,
    RcaComparison,
    RcaReference,
    RelatednessMeasure,
    SpatialWeights,
}

impl MayBe for Named<Benchmark> {
    fn kind() -> String {
        one_of(Benchmark::ALL.map(Benchmark::name))
    }
}

impl MayBe for Named<TargetRevision> {
    fn kind() -> String {
        let of_hs = HsRevision::ALL.map(TargetRevision::Hs);
        one_of(of_hs.into_iter().chain(TargetRevision::OTHERS).map(TargetRevision::name))
    }
}

impl MayBe for Named<Method> {
    fn kind() -> String {
        one_of([Method::OneToOne, Method::Families, Method::Weights].map(|m| m.to_string()))
    }
}

impl MayBe for Episode {
    fn kind() -> String {
        "a `name` with `base` (a period, or a list of them), `trough` and `end`, and as may be \
         `transformation` (a period) and `trailing` (a number of periods)"
            .to_owned()
    }
}
