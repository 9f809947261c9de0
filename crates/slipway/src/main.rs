//! The `slipway` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    slipway::main()
}
