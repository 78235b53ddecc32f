//! The page as it is served: it loads itself anew when the report was drawn again.

use base64::Engine as _;
use sha2::{Digest, Sha256};

/// How the content security policy of the page begins.
pub(crate) const POLICY: &str = "default-src 'none'; ";

/// What the served page runs beside what every page does.
const LIVE: &str = include_str!("../assets/live.js");

/// The page with [`LIVE`], which may speak with whoever served it, and with nobody else.
pub(crate) fn live(page: &str) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(LIVE));
    let listens = format!("{POLICY}connect-src 'self'; script-src 'sha256-{hash}' ");
    // The policy stands before all that comes from data.
    let page = page.replacen(&format!("{POLICY}script-src "), &listens, 1);
    let end = page.rfind("</body>").unwrap_or(page.len());
    let (page, rest) = page.split_at(end);
    format!("{page}<script>{LIVE}</script>{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_listens_and_stays_else_what_it_is() {
        let page =
            format!("<meta content=\"{POLICY}script-src 'sha256-a'; x\"><body>data</body>\n");
        let found = live(&page);
        let begin = "<meta content=\"default-src 'none'; connect-src 'self'; script-src 'sha256-";
        assert!(found.starts_with(begin), "{found}");
        assert!(found.contains("=' 'sha256-a'; x\"><body>data<script>"), "{found}");
        assert!(found.ends_with("</script></body>\n"), "{found}");
    }
}
