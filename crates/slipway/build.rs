//! Links the binary.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // At a fixed address nothing is relocated at the start: 0.6 MB less memory of every process's
    // own, 1.4 MB in all. Stack, heap and libraries are where chance has them, as ever.
    if std::env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("gnu") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
