use super::error::FigureError;
use super::*;
use arrow::array::{ArrayRef, AsArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int32Type};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sources::boundaries::Features;
use std::path::Path;
use std::sync::Arc;

fn texts(of: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(of))
}

fn numbers(of: &[Option<f64>]) -> ArrayRef {
    Arc::new(of.iter().copied().collect::<Float64Array>())
}

fn frame(columns: Vec<(&str, ArrayRef)>) -> Frame {
    let rows = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .expect("columns of one length");
    Frame::new(&rows.schema(), &[rows]).expect("one schema")
}

fn asked<T: DeserializeOwned>(json: &Value) -> T {
    options(&json.to_string()).expect("options")
}

fn squares(names: &[&str]) -> Features {
    let features: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(x, name)| {
            let ring = [[x, 0], [x + 1, 0], [x + 1, 1], [x, 1], [x, 0]];
            let geometry = json!({"type": "Polygon", "coordinates": [ring]});
            let properties = json!({"code": x, "name": name});
            json!({"type": "Feature", "properties": properties, "geometry": geometry})
        })
        .collect();
    let text = json!({"type": "FeatureCollection", "features": features}).to_string();
    Features::parse(&text, Path::new("given")).expect("features")
}

#[test]
fn a_map_says_what_it_lacks() {
    let of = frame(vec![
        ("region", texts(&["North", "Suoth", "West"])),
        ("index", numbers(&[Some(1.0), Some(2.0), None])),
    ]);
    let options = asked(&json!({"region": "region", "value": "index"}));
    let drawn = map(&of, squares(&["North", "South", "West"]), &options).expect("a map");
    assert!(drawn.svg.contains(">no value (2)<"), "{}", drawn.svg);
    let [warning] = &drawn.warnings[..] else { panic!("{:?}", drawn.warnings) };
    assert!(warning.contains("`Suoth` (did you mean `South`?) under `name`"), "{warning}");
    let shapes = drawn.rows.column_by_name("shape").expect("a column").as_string::<i32>();
    assert_eq!(shapes.iter().collect::<Vec<_>>(), [Some("North"), None, Some("West")]);
    let error = map(&of, squares(&["a", "b"]), &options).expect_err("no region");
    assert!(error.to_string().contains("`name`, as in \"a\""), "{error}");
    let options = asked(&json!({"value": "indx"}));
    let error = map(&of, squares(&["North"]), &options).expect_err("no column");
    assert!(error.is_users());
    assert!(error.to_string().contains("`indx` (did you mean `index`?)"), "{error}");
    let twice = frame(vec![
        ("region", texts(&["North", "North"])),
        ("index", numbers(&[Some(1.0), Some(2.0)])),
    ]);
    let options = asked(&json!({"value": "index"}));
    assert!(map(&twice, squares(&["North"]), &options).is_err());
}

#[test]
fn a_map_has_names_and_classes_at_round_numbers() {
    let of = frame(vec![
        ("region", texts(&["North", "South", "East", "Westland"])),
        ("index", numbers(&[Some(0.05), Some(-0.42), Some(0.3), Some(9.0)])),
    ]);
    let options = json!({"value": "index", "names": {"Westland": "West"}});
    let drawn = map(&of, squares(&["North", "South", "East", "West"]), &asked(&options));
    let svg = drawn.expect("a map").svg;
    // An outlier is in a class with an open end; both sides have the same width of classes.
    let bounds = ["\u{2212}0.6", "\u{2212}0.4", "\u{2212}0.2", "0", "0.2", "0.4", "0.6 or more"];
    // A region is called as in the frame.
    for text in ["North", "South", "East", "Westland"].into_iter().chain(bounds) {
        assert!(svg.contains(&format!(">{text}<")), "{text}: {svg}");
    }
    for color in ["#92c5de", "#2166ac", "#e08214"] {
        assert!(svg.contains(color), "{color}: {svg}");
    }
    // Many regions have names where these fit alone, and all have their shape.
    let codes: Vec<String> = (0..340).map(|at| format!("a long name {at}")).collect();
    let names: Vec<&str> = codes.iter().map(String::as_str).collect();
    let values: Vec<Option<f64>> = (0..340_i32).map(|at| Some(f64::from(at) - 170.0)).collect();
    let of = frame(vec![("region", texts(&names)), ("index", numbers(&values))]);
    let drawn = map(&of, squares(&names), &asked(&json!({"value": "index"}))).expect("a map");
    assert!(!drawn.svg.contains(">a long name 7<"), "it has no room");
}

#[test]
fn figures_of_one_page_share_no_names() {
    let drawn = |value: f64| {
        let of = frame(vec![("region", texts(&["a", "b"])), ("v", numbers(&[Some(value), None]))]);
        let options = json!({"value": "v", "look": {"title": format!("It is {value}")}});
        map(&of, squares(&["a", "b"]), &asked(&options)).expect("a map").svg
    };
    let id = |svg: &str| -> String {
        let (_, after) = svg.split_once("url(#").expect("a pattern");
        after.split(')').next().unwrap_or_default().to_owned()
    };
    let (one, other) = (drawn(1.0), drawn(2.0));
    assert_ne!(id(&one), id(&other));
    for svg in [one, other] {
        assert!(svg.contains(&format!("id=\"{}\"", id(&svg))), "{svg}");
        assert!(!svg.contains("zr0"), "{svg}");
    }
}

#[test]
fn quadrants_have_their_names() {
    let of = frame(vec![
        ("region", texts(&["a", "b", "c", "d", "e"])),
        ("x", numbers(&[Some(1.0), Some(1.0), Some(-1.0), Some(-1.0), None])),
        ("y", numbers(&[Some(1.0), Some(-1.0), Some(1.0), Some(-1.0), Some(1.0)])),
    ]);
    let options = asked(&json!({"x": "x", "y": "y", "quadrants": ["++", "+-", "-+", "--"]}));
    let drawn = quadrants(&of, &options).expect("a figure");
    let names = drawn.rows.column_by_name("quadrant").expect("a column").as_string::<i32>();
    assert_eq!(names.iter().flatten().collect::<Vec<_>>(), ["++", "+-", "-+", "--"]);
    for text in ["++", "+-", "-+", "--", "a", "b", "c", "d"] {
        assert!(drawn.svg.contains(&format!(">{text}<")), "{text}: {}", drawn.svg);
    }
    assert!(drawn.warnings[0].ends_with("not drawn: `e`"), "{:?}", drawn.warnings);
}

#[test]
fn the_space_is_joined_by_its_tree() {
    let pairs = frame(vec![
        ("hs_a", texts(&["1", "1", "2"])),
        ("hs_b", texts(&["2", "3", "3"])),
        ("relatedness", numbers(&[Some(0.9), Some(0.5), Some(0.2)])),
    ]);
    let exports = frame(vec![
        ("product", texts(&["1", "1", "2", "3"])),
        ("region", texts(&["a", "b", "a", "b"])),
        ("value", numbers(&[Some(1.0), Some(2.0), Some(5.0), Some(7.0)])),
        ("rca", numbers(&[Some(0.1), Some(1.5), Some(1.0), Some(3.0)])),
    ]);
    let plain = json!({"threshold": 1.0, "labels": 3, "most": 600, "value": "value",
        "specialised": "rca", "of": "a"});
    let drawn = space(&pairs, Some(&exports), &asked(&plain)).expect("a figure");
    let values = drawn.rows.column_by_name("value").expect("a column");
    let values: Vec<String> =
        values.as_primitive::<Float64Type>().values().iter().map(f64::to_string).collect();
    assert_eq!(values, ["7", "5", "3"], "the largest first, regions together");
    let flags = drawn.rows.column_by_name("is_specialised").expect("a column").as_boolean();
    assert_eq!(flags.iter().flatten().collect::<Vec<_>>(), [false, true, false]);
    let error = space(&pairs, None, &asked(&plain)).expect_err("no second frame");
    assert!(error.to_string().contains("the second frame"), "{error}");
    let mut other = plain;
    other["of"] = json!("aa");
    let error = space(&pairs, Some(&exports), &asked(&other)).expect_err("no region");
    assert!(error.to_string().contains("no region `aa`"), "{error}");
}

/// Five products, each related to the next, and the values of their exports.
fn chain(values: [f64; 5]) -> (Frame, Frame) {
    let pairs = frame(vec![
        ("hs_a", texts(&["1", "2", "3", "4"])),
        ("hs_b", texts(&["2", "3", "4", "5"])),
        ("relatedness", numbers(&[Some(0.9), Some(0.8), Some(0.7), Some(0.6)])),
    ]);
    let exports = frame(vec![
        ("product", texts(&["1", "2", "3", "4", "5"])),
        ("value", numbers(&values.map(Some))),
    ]);
    (pairs, exports)
}

/// The numbers of a text.
fn numbers_in(text: &str) -> Vec<f64> {
    let parts = text.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'));
    parts.filter_map(|part| part.parse().ok()).collect()
}

#[test]
fn dots_of_a_space_are_drawn_whole() {
    let (pairs, exports) = chain([900.0, 8.0, 1.0, 7.0, 800.0]);
    let options = json!({"threshold": 0.0, "labels": 0, "most": 10, "value": "value"});
    let svg = space(&pairs, Some(&exports), &asked(&options)).expect("a figure").svg;
    assert!(!svg.contains("<clipPath"), "{svg}");
    // The chart stands in a group that is moved down, and has a ground as large as itself.
    let chart = svg.split("<g transform=").nth(1).expect("a chart");
    let ground = numbers_in(chart.split("<rect ").nth(1).expect("a ground"));
    let (right, bottom) = (ground[0], ground[1]);
    let circles: Vec<Vec<f64>> = svg
        .split("<circle ")
        .skip(1)
        .map(|of| numbers_in(of.split(" fill").next().expect("its place")))
        .collect();
    assert_eq!(circles.len(), 5, "{svg}");
    for of in circles {
        let (x, y, r) = (of[0], of[1], of[2]);
        assert!(x - r >= 0.0 && x + r <= right, "{x} {r} is not from 0 to {right}");
        assert!(y - r >= 0.0 && y + r <= bottom, "{y} {r} is not from 0 to {bottom}");
    }
}

#[test]
fn a_space_that_is_cut_stays_whole() {
    // A chain, in which the smallest product joins the others.
    let (pairs, exports) = chain([9.0, 8.0, 1.0, 7.0, 2.0]);
    let options = json!({"threshold": 1.0, "labels": 3, "most": 4, "value": "value"});
    let drawn = space(&pairs, Some(&exports), &asked(&options)).expect("a figure");
    let codes = drawn.rows.column_by_name("product").expect("a column").as_string::<i32>();
    assert_eq!(codes.iter().flatten().collect::<Vec<_>>(), ["1", "2", "4", "3"]);
}

#[test]
fn years_stay_years_and_periods_in_order() {
    let of = frame(vec![
        ("region", texts(&["a", "a", "a"])),
        ("year", Arc::new(Int32Array::from(vec![2010, 2008, 2009])) as ArrayRef),
        ("v", numbers(&[Some(3.0), Some(1.0), Some(2.0)])),
    ]);
    let wanted = json!({"value": "v", "interval": "range"});
    let drawn = paths(&of, &asked(&wanted)).expect("a figure");
    assert!(drawn.svg.contains(">2008<") && drawn.svg.contains(">2010<"), "{}", drawn.svg);
    let years = drawn.rows.column_by_name("year").expect("a column");
    assert_eq!(years.as_primitive::<Int32Type>().values()[..], [2008, 2009, 2010]);
    let half = json!({"value": "v", "interval": "range", "low": "v"});
    assert!(matches!(paths(&of, &asked(&half)), Err(FigureError::Asked(_))));
    let other = json!({"value": "v", "interval": "range", "regions": ["b"]});
    assert!(matches!(paths(&of, &asked(&other)), Err(FigureError::Asked(_))));
    let error = paths(&of, &asked(&json!({"value": "region", "interval": ""}))).expect_err("texts");
    assert!(error.to_string().contains("has texts: expected numbers"), "{error}");
}

#[test]
fn coefficients_have_their_intervals() {
    let of = frame(vec![
        ("model", texts(&["1", "1", "2"])),
        ("term", texts(&["(intercept)", "density", "density"])),
        ("estimate", numbers(&[Some(9.0), Some(0.5), Some(0.25)])),
        ("low", numbers(&[Some(8.0), Some(0.1), None])),
        ("high", numbers(&[Some(10.0), Some(0.9), None])),
    ]);
    let drawn = coefficients(&of, &asked(&json!({"level": 0.9}))).expect("a figure");
    assert!(drawn.svg.contains("1 · density") && !drawn.svg.contains("intercept)"));
    assert!(drawn.svg.contains("Lines: 90 % intervals."), "{}", drawn.svg);
    assert!(drawn.warnings[0].contains("2 · density"), "{:?}", drawn.warnings);
    assert_eq!(drawn.rows.num_rows(), 1);
    let wanted = json!({"level": 0.9, "terms": ["densty"]});
    let error = coefficients(&of, &asked(&wanted)).expect_err("no term");
    assert!(error.to_string().contains("did you mean `density`?"), "{error}");
}

#[test]
fn a_picture_has_the_size_that_is_asked_for() {
    let of = frame(vec![
        ("term", texts(&["density"])),
        ("estimate", numbers(&[Some(0.5)])),
        ("low", numbers(&[Some(0.1)])),
        ("high", numbers(&[Some(0.9)])),
    ]);
    let drawn = coefficients(&of, &asked(&json!({"level": 0.95}))).expect("a figure");
    let png = crate::draw::png(&drawn.svg, 3.0).expect("a picture");
    // The width stands behind the signature, and the length and name of the first part.
    assert_eq!(png[16..20], (3 * 640_u32).to_be_bytes());
    assert!(crate::draw::png(&drawn.svg, 1e6).is_err());
    assert!(crate::draw::png(&drawn.svg, f32::NAN).is_err());
}
