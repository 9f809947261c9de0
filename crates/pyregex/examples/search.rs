//! Reads lines of a pattern and a text with a tab
//! between; prints where the first match is, or `error`: what scripts/parity compares with Python.
#![allow(clippy::print_stdout, reason = "it is a program")]

fn main() {
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let (pattern, text) = line.split_once('\t').unwrap_or((&line, ""));
        let found = slipway_pyregex::compile(pattern).map(|regex| regex.find(text));
        match found {
            Ok(Ok(Some(found))) => println!("{} {}", found.start(), found.end()),
            Ok(Ok(None)) => println!("none"),
            Ok(Err(_)) => println!("gave up"),
            Err(_) => println!("error"),
        }
    }
}
