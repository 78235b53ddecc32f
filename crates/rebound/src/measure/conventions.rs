//! The conventions that measures follow.

use super::args::{MeasureArgs, Tool};
use clap::ValueEnum;
use project::config::choice::{Choice, CoOccurrenceMargin, RelatednessMeasure};
use space::complexity::Scale;
use space::{
    ComplexityParams, Diagonal, Exports, GainForm, Rca, RcaRule, Relatedness, Specialization,
    coagglomeration, correlation, relatedness,
};

/// Our conventions and those of each tool that `--like` takes, in words, with its name.
pub fn conventions_by_tool() -> Vec<(Option<String>, String)> {
    let tools = Tool::value_variants().iter().copied().map(Some);
    let of = |tool: Option<Tool>| {
        let name = tool.and_then(|tool| tool.to_possible_value());
        let name = name.map(|value| value.get_name().to_owned());
        (name, Conventions::like(tool, 1.0).text())
    };
    std::iter::once(None).chain(tools).map(of).collect()
}

/// All conventions, chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conventions {
    pub(super) rule: RcaRule,
    relatedness: RelatednessMeasure,
    margin: CoOccurrenceMargin,
    pub(super) diagonal: Diagonal,
    pub(super) params: ComplexityParams,
    pub(super) outlook_is_standardized: bool,
    pub(super) gain: GainForm,
}

impl Conventions {
    /// Those of a tool, or ours.
    fn like(tool: Option<Tool>, threshold: f64) -> Self {
        let mut chosen = Self {
            rule: RcaRule::AtLeast(threshold),
            relatedness: RelatednessMeasure::Proximity,
            margin: CoOccurrenceMargin::Ubiquity,
            diagonal: Diagonal::Excluded,
            params: ComplexityParams::PY_ECOMPLEXITY,
            outlook_is_standardized: false,
            gain: GainForm::Nearer,
        };
        match tool {
            None => {}
            Some(Tool::PyEcomplexity) => chosen.diagonal = Diagonal::Included,
            Some(Tool::Stata) => chosen.rule = RcaRule::Above(threshold),
            Some(Tool::Economiccomplexity) => {
                chosen.diagonal = Diagonal::Included;
                chosen.params = ComplexityParams { pci_scale: Scale::Products, ddof: 1 };
                chosen.outlook_is_standardized = true;
            }
            Some(Tool::Econcomplex) => {
                chosen.params = ComplexityParams { pci_scale: Scale::Products, ddof: 0 };
                chosen.outlook_is_standardized = true;
                chosen.gain = GainForm::Mean;
            }
            Some(Tool::Econgeo) => {
                chosen.relatedness = RelatednessMeasure::Probability;
                chosen.margin = CoOccurrenceMargin::CoOccurrence;
            }
        }
        chosen
    }

    /// Those of the tool that the arguments name, with what they say themselves.
    pub(super) fn of(args: &MeasureArgs) -> Self {
        let mut chosen = Self::like(args.like, args.rca_threshold.unwrap_or(1.0));
        if let Some(relatedness) = args.relatedness {
            chosen.relatedness = relatedness;
        }
        if let Some(margin) = args.margin {
            chosen.margin = margin;
        }
        if let Some(own) = args.diagonal {
            chosen.diagonal = own.into();
        }
        if let Some(scale) = args.pci_scale {
            chosen.params.pci_scale = scale.into();
        }
        if let Some(ddof) = args.ddof {
            chosen.params.ddof = ddof;
        }
        chosen
    }

    /// In words, for the log and for the file's metadata.
    pub(super) fn text(&self) -> String {
        let rule = match self.rule {
            RcaRule::AtLeast(threshold) => format!("RCA >= {threshold}"),
            RcaRule::Above(threshold) => format!("RCA > {threshold}"),
        };
        let has_margin = matches!(
            self.relatedness,
            RelatednessMeasure::Cosine
                | RelatednessMeasure::Jaccard
                | RelatednessMeasure::Association
                | RelatednessMeasure::Probability
        );
        let margin = match (has_margin, self.margin) {
            (true, CoOccurrenceMargin::CoOccurrence) => " with margins of co-occurrence",
            (true, CoOccurrenceMargin::Ubiquity) => " with ubiquities as margins",
            (false, _) => "",
        };
        format!(
            "specialised if {rule}; relatedness {}{margin}; its diagonal {}; PCI on the scale of {}; \
             standard deviations with ddof {}; outlook from {} PCI, gain {}",
            self.relatedness.name(),
            if self.diagonal == Diagonal::Included { "included" } else { "excluded" },
            if self.params.pci_scale == Scale::Regions { "regions" } else { "products" },
            self.params.ddof,
            if self.outlook_is_standardized { "standardised" } else { "uncentred" },
            match self.gain {
                GainForm::Nearer => "what a product brings nearer",
                GainForm::NearerLessOwn => "that, less its own place",
                GainForm::Mean => "the mean around a product",
            },
        )
    }
    /// How related products are.
    pub(super) fn relatedness_of(
        &self,
        exports: &Exports,
        m: &Specialization,
        rca: &Rca,
    ) -> Relatedness {
        match self.relatedness.of_co_occurrence(self.margin) {
            Some(measure) => relatedness(m, measure),
            None if self.relatedness == RelatednessMeasure::Coagglomeration => {
                coagglomeration(exports)
            }
            // Of those that are not counted only additions are left, which arguments cannot name.
            None => correlation(rca),
        }
    }
}
