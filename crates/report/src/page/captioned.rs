//! A table of the page with its caption.

use crate::output::HtmlText;
use maud::{Markup, html};

/// A table in a box that scrolls, also by the keyboard. Its caption stands before the box, so that
/// a narrow one does not cut it.
pub(super) fn captioned(id: &str, caption: &str, content: &Markup) -> Markup {
    let named = format!("{id}-caption");
    html! {
        p class="caption" id=(named) { (HtmlText(caption)) }
        div class="scroll" tabindex="0" role="group" aria-labelledby=(named) {
            table id=(id) aria-labelledby=(named) { (content) }
        }
    }
}
