//! Numbers as the world writes them: what one is, and which marks a column of them has.

mod format;
mod sample;

pub use self::format::{Flags, NumberFault, NumberFormat};
pub use self::sample::{Ambiguity, NumberSample};
