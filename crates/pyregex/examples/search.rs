//! Reads lines of a pattern and a text, separated by a tab, and prints the place of the first match,
//! `none` or `error`: `scripts/parity` compares them with Python.
#![allow(clippy::print_stdout, reason = "it is a program")]

fn main() {
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let (pattern, text) = line.split_once('\t').unwrap_or((&line, ""));
        let Ok(regex) = slipway_pyregex::compile(pattern) else {
            println!("error");
            continue;
        };
        match regex.find(text) {
            Ok(Some(found)) => println!("{} {}", found.start(), found.end()),
            Ok(None) => println!("none"),
            Err(_) => println!("gave up"),
        }
    }
}
