//! The tables `model.*`.

use super::super::table::{Table, tables};
use lake::Contract;

pub(crate) fn contracts() -> Vec<&'static Contract> {
    vec![Coefficients::contract(), Fit::contract()]
}

tables! {
    /// Which regression a row is of.
    pub(super) struct RegressionColumns<'a> {
        model: Text, "", "model";
        specification: Text, "", "its specification; empty if it has but one";
        outcome: Text, "", "outcome";
    }

    /// A coefficient.
    pub(super) struct CoefficientRow<'a> {
        ..regression: RegressionColumns<'a>, RegressionColumns::columns();
        term: Text, "", "regressor";
        place: Count, "", "place in the model, from 1";
        level?: Text, "", "level of a dynamic form, i(by, x)";
        level_of?: Text, "", "the regressor there";
        estimate?: Float, "outcome per regressor", "coefficient";
        se?: Float, "as estimate", "standard error, of the inference that model.fit names";
        t?: Float, "ratio", "estimate by standard error";
        p?: Float, "probability", "two-sided";
        low?: Float, "as estimate", "lower end of the 95 % interval";
        high?: Float, "as estimate", "upper end";
        wild_p?: Float, "probability", "p of the wild cluster bootstrap, null imposed";
        null_reason?: Text, "", "why there is no estimate: absorbed, a combination, constant, or without data";
    }

    /// `model.coefficients`.
    pub(super) table Coefficients(CoefficientRow<'a>) = "model.coefficients",
        "one coefficient of a regression, or the reason why there is none",
        ["model", "specification", "outcome", "term"], CoefficientRow::columns();

    /// How a regression went.
    pub(super) struct FitRow<'a> {
        ..regression: RegressionColumns<'a>, RegressionColumns::columns();
        place: Count, "", "place among the model's regressions, from 1";
        title: Text, "", "what the model's table is called";
        about: Text, "", "what is said below it";
        focus: Text, "", "coefficients that it follows, `a; b`, a row a specification; empty if it shows all";
        estimator: Text, "", "ols, wls, 2sls, ppml or logit";
        source_table: Text, "", "table of its rows";
        condition: Text, "", "condition on them";
        effects: Text, "", "absorbed effects";
        inference: Text, "", "what is assumed of the errors";
        weights: Text, "", "weights";
        n_selected: Count, "rows", "rows of the condition";
        n_missing: Count, "rows", "of them without a value of some column";
        missing: Text, "", "those columns, with counts";
        n_zero_weights: Count, "rows", "rows of weight zero, left out";
        n_singletons: Count, "rows", "rows alone in a level of an effect, left out";
        n_separated: Count, "rows", "rows fitted exactly in the limit (perfect prediction), left out (ppml, logit)";
        n_used: Count, "rows", "rows of the estimate";
        levels: Text, "", "levels of each effect";
        n_absorbed: Count, "parameters", "parameters the effects stand for: levels less one for each effect after the first";
        clusters: Text, "", "clusters of each cluster variable";
        df_k?: Count, "parameters", "K of the small-sample correction (effects nested in clusters left out)";
        df_t?: Count, "degrees", "degrees of freedom of t; null: normal";
        r2?: Float, "share", "R2; of the deviance for ppml and logit";
        r2_within?: Float, "share", "R2 once the effects are out";
        rmse?: Float, "the outcome's", "root of the mean squared residual";
        f?: Float, "ratio", "Wald's F that all coefficients are zero";
        f_p?: Float, "probability", "its p";
        first_stage_f?: Float, "ratio", "smallest first-stage F of the instruments";
        deviance?: Float, "", "deviance";
        n_iterations: Count, "iterations", "iterations of ppml and logit";
        notes: Text, "", "what a reader must know";
        failure?: Text, "", "why there are no estimates";
    }

    /// `model.fit`.
    pub(super) table Fit(FitRow<'a>) = "model.fit", "how a regression went",
        ["model", "specification", "outcome"], FitRow::columns();
}
