//! Times, for reading.

#[expect(clippy::cast_precision_loss, reason = "for reading")]
pub(super) fn seconds(millis: u64) -> String {
    format!("{:.2} s", millis as f64 / 1000.0)
}
