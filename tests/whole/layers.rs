//! The table of crates in ARCHITECTURE.md, what the pure crates may not touch, and files that import each other in a circle.

use crate::support::root;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// A line of the table.
struct Layer {
    is_pure: bool,
    /// Everything that the crate may depend on.
    may_import: BTreeSet<String>,
}

/// The table of ARCHITECTURE.md, by crate.
fn table() -> BTreeMap<String, Layer> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("readable");
    let head = "| crate | what | may import (ours) | may import (others) | IO |";
    let lines = text.lines().skip_while(|line| *line != head).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, _, ours, others, io] = cells[..] else { panic!("{line}") };
        let names = |cell: &str| -> Vec<String> {
            let names = cell.split(',').map(|name| name.trim().trim_matches('`').to_owned());
            names.filter(|name| name != "-").collect()
        };
        let may_import = names(ours).into_iter().chain(names(others)).collect();
        (name.trim_matches('`').to_owned(), Layer { is_pure: io == "no", may_import })
    });
    rows.collect()
}

#[test]
fn crates_import_what_the_architecture_allows() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let table = table();
    assert_eq!(packages.len(), table.len(), "each crate has a line in the table");
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let layer = table.get(name).unwrap_or_else(|| panic!("`{name}` has no line in the table"));
        let found: BTreeSet<String> = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(found, layer.may_import, "what `{name}` imports, and what ARCHITECTURE.md says");
    }
}

fn sources(folder: &std::path::Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).expect("readable");
            found.push((path.display().to_string(), text));
        }
    }
}

#[test]
fn pure_crates_do_no_io_and_read_no_clock() {
    let forbidden =
        ["std::fs", "std::env", "std::io", "std::net", "std::process", "std::time", "println!"];
    let table = table();
    let pure: Vec<_> = table.iter().filter(|(_, layer)| layer.is_pure).collect();
    assert_eq!(pure.len(), 5);
    for (name, _) in pure {
        let mut found = Vec::new();
        sources(&root().join("crates").join(name).join("src"), &mut found);
        assert!(!found.is_empty());
        for (path, text) in found {
            for word in forbidden {
                assert!(!text.contains(word), "{path} names {word}");
            }
        }
    }
}

#[test]
fn only_its_owner_names_a_library() {
    let owners = [
        ("serde_yaml", &["project/src/yaml.rs"][..]),
        ("datafusion::", &["query/src/", "serve/src/", "cluster/src/"]),
        ("object_store::", &["lake/src/"]),
    ];
    let mut found = Vec::new();
    sources(&root().join("crates"), &mut found);
    for (library, owners) in owners {
        for (path, text) in &found {
            let is_owner = owners.iter().any(|owner| path.contains(owner));
            assert!(is_owner || !text.contains(library), "{path} names {library}");
        }
    }
}

/// The text of a file without comments, and without its tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The paths that begin with `crate::` or `super::` in `text`, those in braces each by itself.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in text.match_indices(start) {
            let is_part =
                text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            // Who may see an item is no import.
            let is_visibility = text[..at].ends_with("pub(in ");
            if !is_part && !is_visibility {
                tree(&text[at..], &mut Vec::new(), &mut found);
            }
        }
    }
    found
}

/// Adds the paths that `text` begins with, below `above`; gives what follows them.
fn tree<'t>(mut text: &'t str, above: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'t str {
    let n = above.len();
    loop {
        text = text.trim_start();
        if let Some(mut rest) = text.strip_prefix('{') {
            loop {
                rest = tree(rest, above, found).trim_start();
                match rest.strip_prefix(',') {
                    Some(more) => rest = more,
                    None => break,
                }
            }
            above.truncate(n);
            return rest.trim_start().strip_prefix('}').unwrap_or(rest);
        }
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        above.push(text[..end].to_owned());
        text = &text[end..];
        match text.strip_prefix("::") {
            Some(rest) => text = rest,
            None => {
                found.push(above.clone());
                above.truncate(n);
                return text;
            }
        }
    }
}

/// For each file of a crate, by the path of its module, the modules that it imports.
fn imports(root: &std::path::Path) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let mut found = Vec::new();
    sources(root, &mut found);
    let module = |path: &str| -> Vec<String> {
        let path =
            std::path::Path::new(path).strip_prefix(root).expect("below it").with_extension("");
        let names = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
        names.filter(|name| !["lib", "mod"].contains(&name.as_str())).collect()
    };
    let texts: BTreeMap<Vec<String>, String> = found
        .iter()
        .filter(|(path, _)| !path.ends_with("tests.rs") && !path.ends_with("main.rs"))
        .map(|(path, text)| (module(path), code(text)))
        .collect();
    let of = |(own, text): (&Vec<String>, &String)| {
        let mut imported = BTreeSet::new();
        for path in paths(text) {
            let mut from: Vec<String> = if path[0] == "crate" { Vec::new() } else { own.clone() };
            for name in &path {
                match name.as_str() {
                    "crate" => {}
                    "super" => {
                        from.pop();
                    }
                    name => from.push(name.to_owned()),
                }
            }
            // What is named, or the module that it is in.
            while !from.is_empty() && !texts.contains_key(&from) {
                from.pop();
            }
            // The root only gathers what the others are.
            if !from.is_empty() && from != *own {
                imported.insert(from);
            }
        }
        // A module that takes from those below it imports them.
        let below =
            texts.keys().filter(|other| other.len() == own.len() + 1 && other.starts_with(own));
        let is_used = |other: &&Vec<String>| {
            let name = other.last().expect("a name");
            !own.is_empty() && text.match_indices(&format!("{name}::")).next().is_some()
        };
        imported.extend(below.filter(is_used).cloned());
        (own.clone(), imported)
    };
    texts.iter().map(of).collect()
}

/// A way through `imports` from a module back to it.
fn circle(imports: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>) -> Option<Vec<String>> {
    let mut left = imports.clone();
    // What imports nothing that is left is in no circle.
    loop {
        let names: BTreeSet<Vec<String>> = left.keys().cloned().collect();
        let n = left.len();
        left.retain(|_, of| of.iter().any(|other| names.contains(other)));
        if left.len() == n {
            break;
        }
    }
    let mut at = left.keys().next()?.clone();
    let mut way = vec![at.clone()];
    loop {
        at = left[&at].iter().find(|other| left.contains_key(*other)).expect("it is left").clone();
        if let Some(begin) = way.iter().position(|other| *other == at) {
            let way = way[begin..].iter().chain([&at]).map(|module| module.join("::"));
            return Some(way.collect());
        }
        way.push(at.clone());
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut circles = Vec::new();
    for name in table().keys() {
        let found = imports(&root().join("crates").join(name).join("src"));
        assert!(!found.is_empty());
        circles.extend(circle(&found).map(|way| format!("`{name}`: {}", way.join(" -> "))));
    }
    assert!(circles.is_empty(), "{circles:#?}");
}

/// Lines that a file may have outside its tests.
const MOST_LINES: usize = 800;

/// Files of hot paths that may be longer: what they hold is measured as one.
const LONG: [&str; 1] = ["trade/src/dictionary_encoding.rs"];

#[test]
fn no_file_is_longer_than_a_reader_keeps_in_mind() {
    let mut found = Vec::new();
    sources(&root().join("crates"), &mut found);
    let is_test = |path: &str| path.contains("/tests/") || path.ends_with("/tests.rs");
    let own = found.iter().filter(|(path, _)| !is_test(path));
    let long: Vec<String> = own
        .filter_map(|(path, text)| {
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let n = text.lines().count();
            let is_named = LONG.iter().any(|name| path.ends_with(name));
            (n > MOST_LINES && !is_named).then(|| format!("{path}: {n} lines"))
        })
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn circles_are_found() {
    let text = "use crate::{a::B, c::{d, e::F}};\n\
         pub(in crate::l) fn f() -> super::g::H { crate::i::j() } // crate::k\n";
    let mut found: Vec<String> = paths(&code(text)).iter().map(|path| path.join("::")).collect();
    found.sort();
    assert_eq!(
        found,
        ["crate::a::B", "crate::c::d", "crate::c::e::F", "crate::i::j", "super::g::H"]
    );
    let module = |name: &str| vec![name.to_owned()];
    let of = |pairs: &[(&str, &[&str])]| {
        let pairs = pairs.iter().map(|(name, imported)| {
            (module(name), imported.iter().map(|other| module(other)).collect())
        });
        circle(&pairs.collect::<BTreeMap<_, BTreeSet<_>>>())
    };
    assert_eq!(of(&[("a", &["b"]), ("b", &["c"]), ("c", &[])]), None);
    let way = of(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"]), ("d", &["a"])]).expect("a circle");
    assert_eq!(way, ["b", "c", "b"]);
}
