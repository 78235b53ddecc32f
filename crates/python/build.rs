//! How the library is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Elsewhere that is what linkers do anyway.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "macos") {
        println!("cargo::rustc-cdylib-link-arg=-undefined");
        println!("cargo::rustc-cdylib-link-arg=dynamic_lookup");
    }
}
