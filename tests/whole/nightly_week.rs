//! The week of a customs office in `docs/nightly.md`, as it stands there.

use crate::sessions;
use crate::support::Project;

#[test]
fn the_week_goes_as_it_is_told() {
    let project = Project::new();
    project.copy_fixtures("week", "");
    let n = sessions::check(&project, "docs/nightly.md", "## A week of a customs office");
    assert_eq!(n, 37);
    // What it came to does not depend on how it came to it.
    project.rebound(&["run", "--quiet", "pipelines/customs.yaml", "--lake", "fresh"]).ok();
    let files = |lake: &str| -> Vec<Vec<u8>> {
        project.published_bytes_in(lake).into_iter().map(|(_, bytes)| bytes).collect()
    };
    let (week, fresh) = (files("lake"), files("fresh"));
    assert!(week == fresh && !week.is_empty(), "a run on an empty lake has other data files");
}
