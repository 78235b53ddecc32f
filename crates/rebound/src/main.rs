//! The `rebound` program.

use mimalloc::MiMalloc;
use std::process::ExitCode;

// Many threads make and free large columns; the system's allocator gives them back each time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    rebound::cli::main(None)
}
