//! The product space: products, joined where they are related.

use super::drawn::{Drawn, named};
use super::error::FigureError;
use super::frame::{Frame, REGIONS};
use super::look::Look;
use crate::categories::{Categories, Grouped};
use crate::layout::{self, Joined};
use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use project::suggest::suggest;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

/// What a product space is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceOptions {
    /// The column of one product of a pair.
    pub product_a: Option<String>,
    /// The column of the other.
    pub product_b: Option<String>,
    /// The column of their relatedness.
    pub weight: Option<String>,
    /// Of the second frame, the column of products.
    pub product: Option<String>,
    /// Of the second frame, the column of values, which areas are by.
    pub value: Option<String>,
    /// Of the second frame, the column of names, which stand beside products instead of codes.
    pub name: Option<String>,
    /// Of the second frame, the column of groups, which colours are by.
    pub group: Option<String>,
    /// `hs`, where products are codes of the Harmonized System, whose sectors colours are by.
    pub classification: Option<String>,
    /// Of the second frame, the column of regions.
    pub region: Option<String>,
    /// The region whose products have colours.
    pub of: Option<String>,
    /// Of the second frame, the column that says of what a region is specialised in: true, or at
    /// least `threshold`.
    pub specialised: Option<String>,
    /// From which number on a region is specialised.
    pub threshold: f64,
    /// The largest products that have labels.
    pub labels: usize,
    /// At most so many products are drawn: the smallest at the ends of the tree are left out.
    pub most: usize,
    /// What all figures can be told.
    #[serde(default)]
    pub look: Look,
}

/// A pair of products.
struct Pair {
    a: String,
    b: String,
    weight: f64,
    is_in_tree: bool,
}

/// What is known of a product.
#[derive(Default)]
struct Product {
    value: f64,
    name: Option<String>,
    group: Option<String>,
    is_specialised: bool,
}

/// The columns of both products of a pair: those that are asked for, or two that end in `_a` and
/// `_b`.
fn ends(frame: &Frame, options: &SpaceOptions) -> Result<(String, String), FigureError> {
    let second = frame.ending("_b");
    let stem = frame.ending("_a").into_iter().find(|stem| second.contains(stem));
    let of = |end: &str| stem.map(|stem| format!("{stem}{end}")).into_iter().collect::<Vec<_>>();
    let find = |asked: Option<&str>, end: &str, option: &'static str| {
        let usual = of(end);
        let usual: Vec<&str> = usual.iter().map(String::as_str).collect();
        frame.find(asked, &usual, option)
    };
    Ok((
        find(options.product_a.as_deref(), "_a", "product_a")?,
        find(options.product_b.as_deref(), "_b", "product_b")?,
    ))
}

/// Says of pairs, the strongest first, which are of the maximum spanning tree (Kruskal 1956).
fn span(pairs: &mut [Pair]) {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for code in pairs.iter().flat_map(|pair| [&pair.a, &pair.b]) {
        let next = numbers.len();
        numbers.entry(code.clone()).or_insert(next);
    }
    let mut parents: Vec<usize> = (0..numbers.len()).collect();
    for pair in pairs {
        let [a, b] = [&pair.a, &pair.b].map(|code| layout::root(&mut parents, numbers[code]));
        pair.is_in_tree = a != b;
        parents[a] = b;
    }
}

/// The pairs that are related, those of the maximum spanning tree first, then by relatedness.
fn pairs(frame: &Frame, options: &SpaceOptions) -> Result<Vec<Pair>, FigureError> {
    let (a, b) = ends(frame, options)?;
    let usual = ["relatedness", "proximity", "weight"];
    let weight = frame.find(options.weight.as_deref(), &usual, "weight")?;
    let tree = frame.maybe(None, &["is_in_tree"])?;
    let tree = tree.map(|name| frame.numbers(&name)).transpose()?;
    let (firsts, seconds, weights) = (frame.texts(&a)?, frame.texts(&b)?, frame.numbers(&weight)?);
    let mut found = Vec::new();
    let mut known: BTreeSet<[&str; 2]> = BTreeSet::new();
    for (at, (a, b)) in firsts.iter().zip(&seconds).enumerate() {
        let (Some(a), Some(b), Some(weight)) = (a.as_deref(), b.as_deref(), weights[at]) else {
            continue;
        };
        if a == b {
            continue;
        }
        if !known.insert(if a < b { [a, b] } else { [b, a] }) {
            return Err(FigureError::Asked(format!(
                "the pair `{a}` and `{b}` has more than one row: expected one, as of one period"
            )));
        }
        let is_in_tree = tree.as_ref().is_some_and(|tree| tree[at] == Some(1.0));
        if weight > 0.0 || is_in_tree {
            found.push(Pair { a: a.to_owned(), b: b.to_owned(), weight, is_in_tree });
        }
    }
    if found.is_empty() {
        return Err(FigureError::Asked(format!("no pair has a number above 0 in `{weight}`")));
    }
    let strongest = |x: &Pair, y: &Pair| {
        y.weight.total_cmp(&x.weight).then_with(|| (&x.a, &x.b).cmp(&(&y.a, &y.b)))
    };
    found.sort_by(strongest);
    if tree.is_none() {
        span(&mut found);
    }
    found.sort_by_key(|pair| !pair.is_in_tree);
    Ok(found)
}

/// What the second frame says of products.
fn products(
    frame: &Frame,
    options: &SpaceOptions,
) -> Result<BTreeMap<String, Product>, FigureError> {
    let asked = options.product.as_deref();
    let product = frame.find(asked, &["product", "product_code", "hs6"], "product")?;
    let texts = |name: Option<&String>| match name {
        Some(name) => frame.texts(name),
        None => Ok(vec![None; frame.len()]),
    };
    let numbers = |name: Option<&String>| match name {
        Some(name) => frame.numbers(name),
        None => Ok(vec![None; frame.len()]),
    };
    let (codes, names) = (frame.texts(&product)?, texts(options.name.as_ref())?);
    let groups = texts(options.group.as_ref())?;
    let values = numbers(options.value.as_ref())?;
    let specialised = numbers(options.specialised.as_ref())?;
    let regions = match &options.of {
        Some(of) => {
            let region = frame.find(options.region.as_deref(), &REGIONS, "region")?;
            let regions = frame.texts(&region)?;
            let known: BTreeSet<&str> = regions.iter().filter_map(Option::as_deref).collect();
            if !known.contains(of.as_str()) {
                let hint = suggest(of, known.iter().copied());
                let why = format!("the column `{region}` has no region `{of}`{hint}");
                return Err(FigureError::Asked(why));
            }
            Some(regions)
        }
        None => None,
    };
    let mut found: BTreeMap<String, Product> = BTreeMap::new();
    for (at, code) in codes.into_iter().enumerate() {
        let Some(code) = code else { continue };
        let known = found.entry(code).or_default();
        known.value += values[at].unwrap_or(0.0);
        known.name = known.name.take().or_else(|| names[at].clone());
        known.group = known.group.take().or_else(|| groups[at].clone());
        let is_region = regions.as_ref().is_none_or(|regions| regions[at] == options.of);
        known.is_specialised |=
            is_region && specialised[at].is_some_and(|of| of >= options.threshold);
    }
    Ok(found)
}

/// What colours are by.
#[derive(Debug, Clone, Copy)]
enum Colours {
    /// The sectors of the Harmonized System.
    Sectors,
    /// The groups that a column has.
    Groups,
}

/// What products are coloured by; groups that none is of are left out.
fn coloured(codes: &[&str], known: &[&Product], by: Colours) -> Categories {
    let grouped: Vec<Grouped<'_>> = codes
        .iter()
        .zip(known)
        .map(|(code, known)| Grouped {
            product: code,
            group: known.group.as_deref(),
            group_name: None,
            value: known.value,
        })
        .collect();
    let found = match by {
        Colours::Sectors => Categories::of_hs(&grouped),
        Colours::Groups => Categories::of_groups(&grouped),
    };
    let used: BTreeSet<usize> = found.of.iter().copied().collect();
    let places: Vec<usize> = used.iter().copied().collect();
    let of = found.of.iter().map(|at| places.partition_point(|place| place < at)).collect();
    let is_used = |(at, of): (usize, (String, &'static str))| used.contains(&at).then_some(of);
    Categories {
        all: found.all.into_iter().enumerate().filter_map(is_used).collect(),
        of,
        sql: found.sql,
    }
}

/// Of products in the order of their size, those that are drawn: of the tree of pairs, the smallest
/// at its ends are left out until `most` remain, so that it stays whole.
fn pruned<'a>(codes: Vec<&'a str>, pairs: &[Pair], most: usize) -> Vec<&'a str> {
    let places: BTreeMap<&str, usize> =
        codes.iter().enumerate().map(|(at, code)| (*code, at)).collect();
    let mut neighbours = vec![BTreeSet::new(); codes.len()];
    for Pair { a, b, .. } in pairs.iter().filter(|pair| pair.is_in_tree) {
        if let (Some(&a), Some(&b)) = (places.get(a.as_str()), places.get(b.as_str())) {
            neighbours[a].insert(b);
            neighbours[b].insert(a);
        }
    }
    let mut ends: BinaryHeap<usize> =
        (0..codes.len()).filter(|&at| neighbours[at].len() < 2).collect();
    let mut is_kept = vec![true; codes.len()];
    for _ in most..codes.len() {
        // A frame may call pairs a tree that are none, and have no end.
        let smallest = || is_kept.iter().rposition(|is_kept| *is_kept);
        let Some(end) = ends.pop().or_else(smallest) else { break };
        is_kept[end] = false;
        for other in std::mem::take(&mut neighbours[end]) {
            neighbours[other].remove(&end);
            if neighbours[other].len() == 1 {
                ends.push(other);
            }
        }
    }
    codes.into_iter().zip(is_kept).filter_map(|(code, is_kept)| is_kept.then_some(code)).collect()
}

/// The products that are drawn, with their places and what joins them.
struct Network<'a> {
    codes: Vec<&'a str>,
    products: Vec<&'a Product>,
    points: Vec<[f64; 2]>,
    links: Vec<(usize, usize)>,
    /// How many products the pairs have.
    n_all: usize,
}

impl<'a> Network<'a> {
    /// Of the largest products, or of those that are related most; `known` says what is known of
    /// some, and `unknown` stands for the others.
    fn of(
        pairs: &'a [Pair],
        known: &'a BTreeMap<String, Product>,
        unknown: &'a Product,
        most: usize,
    ) -> Self {
        let mut strengths: BTreeMap<&'a str, f64> = BTreeMap::new();
        for Pair { a, b, weight, .. } in pairs {
            *strengths.entry(a).or_default() += weight;
            *strengths.entry(b).or_default() += weight;
        }
        let of = |code: &str| known.get(code).unwrap_or(unknown);
        let mut codes: Vec<(&'a str, f64)> = strengths.into_iter().collect();
        codes.sort_by(|(a, x), (b, y)| {
            of(b).value.total_cmp(&of(a).value).then(y.total_cmp(x)).then(a.cmp(b))
        });
        let n_all = codes.len();
        let codes = pruned(codes.into_iter().map(|(code, _)| code).collect(), pairs, most.max(2));
        let places: BTreeMap<&str, usize> =
            codes.iter().enumerate().map(|(at, code)| (*code, at)).collect();
        let links = pairs.iter().filter_map(|pair| {
            Some((*places.get(&*pair.a)?, *places.get(&*pair.b)?, pair.is_in_tree))
        });
        let Joined { kept, links } = Joined::of(codes.len(), links);
        let points = layout::place(kept.len(), &links);
        let codes: Vec<&str> = kept.iter().map(|&at| codes[at]).collect();
        let products = codes.iter().map(|code| of(code)).collect();
        Self { codes, products, points, links, n_all }
    }

    /// The products as they are drawn, in the colours of `categories`.
    fn nodes(&self, categories: &Categories, options: &SpaceOptions) -> Vec<Value> {
        let has_lit = options.specialised.is_some();
        let node = |at: usize| {
            let (code, product, [x, y]) = (self.codes[at], self.products[at], self.points[at]);
            json!({
                "product": code, "label": product.name.as_deref().unwrap_or(code),
                "value": options.value.as_ref().map(|_| product.value),
                "category": categories.of[at], "x": x, "y": y,
                "is_on": !has_lit || product.is_specialised,
            })
        };
        (0..self.codes.len()).map(node).collect()
    }
}

fn table(network: &Network<'_>, options: &SpaceOptions) -> Result<RecordBatch, FigureError> {
    let Network { codes, products: known, points, .. } = network;
    let texts = |of: fn(&Product) -> Option<&str>| -> ArrayRef {
        Arc::new(known.iter().map(|product| of(product)).collect::<StringArray>())
    };
    let numbers = |of: &mut dyn Iterator<Item = f64>| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(of))
    };
    let product: ArrayRef = Arc::new(StringArray::from_iter_values(codes));
    let mut columns: Vec<(&str, ArrayRef)> = vec![("product", product)];
    if options.name.is_some() {
        columns.push(("name", texts(|product| product.name.as_deref())));
    }
    if options.group.is_some() {
        columns.push(("group", texts(|product| product.group.as_deref())));
    }
    if options.value.is_some() {
        columns.push(("value", numbers(&mut known.iter().map(|product| product.value))));
    }
    if options.specialised.is_some() {
        let flags: Vec<bool> = known.iter().map(|product| product.is_specialised).collect();
        columns.push(("is_specialised", Arc::new(BooleanArray::from(flags))));
    }
    columns.push(("x", numbers(&mut points.iter().map(|point| point[0]))));
    columns.push(("y", numbers(&mut points.iter().map(|point| point[1]))));
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// What colours are by; refuses options that contradict each other.
fn colours(options: &SpaceOptions, second: Option<&Frame>) -> Result<Colours, FigureError> {
    let refused = |why: &str| Err(FigureError::Asked(why.to_owned()));
    let of_second = [
        ("value", &options.value),
        ("name", &options.name),
        ("group", &options.group),
        ("specialised", &options.specialised),
    ];
    if let Some((option, _)) = of_second.iter().find(|(_, column)| column.is_some())
        && second.is_none()
    {
        return refused(&format!(
            "`{option}` names a column of the second frame, of exports or specialisations: give one"
        ));
    }
    if options.of.is_some() && options.specialised.is_none() {
        return refused(
            "to colour what a region is specialised in, name the column by `specialised`",
        );
    }
    match options.classification.as_deref() {
        None => Ok(Colours::Groups),
        Some("hs") if options.group.is_some() => {
            refused("colours are by `group` or by the sectors of `classification`: name one")
        }
        Some("hs") => Ok(Colours::Sectors),
        Some(other) => refused(&format!(
            "`classification` is `{other}`: expected `hs`; groups of another classification are a \
             column, `group`"
        )),
    }
}

/// Draws products as a network: `frame` has pairs with their relatedness, `second` what is known of
/// products, which may have a row a region.
///
/// # Errors
///
/// [`FigureError`] if a column is not there, a pair has two rows, or no pair is related.
pub fn space(
    frame: &Frame,
    second: Option<&Frame>,
    options: &SpaceOptions,
) -> Result<Drawn, FigureError> {
    let colours = colours(options, second)?;
    let pairs = pairs(frame, options)?;
    let known = second.map_or_else(|| Ok(BTreeMap::new()), |second| products(second, options))?;
    let unknown = Product::default();
    let network = Network::of(&pairs, &known, &unknown, options.most);
    let categories = coloured(&network.codes, &network.products, colours);
    let mut warnings = Vec::new();
    let strange: Vec<&str> =
        network.codes.iter().copied().filter(|code| !known.contains_key(*code)).collect();
    if second.is_some() && !strange.is_empty() {
        let list = named(&strange);
        warnings.push(format!("the second frame does not have these products of pairs: {list}"));
    }
    let lit = options.specialised.as_ref().map(|_| match &options.of {
        Some(of) => format!("what {of} is specialised in"),
        None => "what regions are specialised in".to_owned(),
    });
    let n_drawn = network.codes.len();
    let notes: Vec<String> = (n_drawn < network.n_all)
        .then(|| format!("Drawn: {n_drawn} of {} products.", network.n_all))
        .into_iter()
        .collect();
    let title = format!("The product space: {n_drawn} products");
    let mut fields = options.look.fields(title, &notes)?;
    fields.extend([
        ("is_sized".to_owned(), json!(options.value.is_some())),
        ("size_name".to_owned(), json!(options.value)),
        ("on".to_owned(), json!(lit)),
        ("labels".to_owned(), json!(options.labels)),
        ("spacing".to_owned(), json!(layout::SPACING)),
        ("nodes".to_owned(), json!(network.nodes(&categories, options))),
        ("links".to_owned(), json!(network.links)),
        ("categories".to_owned(), json!(categories.all)),
    ]);
    Drawn::new("figures.space", fields, warnings, table(&network, options)?)
}
