//! The same input and config give the same bytes, whatever the threads and the folder.

use crate::support::Project;

#[test]
fn bytes_are_the_same_for_one_two_and_eight_threads() {
    let mut runs = Vec::new();
    // Values of a table of SQL are made side by side where each has a share of the memory.
    for (threads, mib) in [("1", "4096"), ("2", "4096"), ("8", "9000"), ("2", "64")] {
        let project = Project::new();
        let memory = format!("memory_mib: {mib}");
        project.edit("config/default.yaml", "memory_mib: 4096", &memory);
        // Proximity of the data's own regions, so that its sums are under test as well.
        project.edit(
            "config/australia.yaml",
            "proximity_source: external",
            "proximity_source: regions\n  proximity_years: [2007, 2008]",
        );
        project.rebound(&["run", "pipelines/australia.yaml", "--threads", threads]).ok();
        runs.push(project.published_bytes());
    }
    assert!(runs[0].len() >= 25 && runs[0].iter().all(|(_, bytes)| !bytes.is_empty()));
    for run in &runs[1..] {
        let names =
            |run: &[(String, Vec<u8>)]| run.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
        assert_eq!(names(run), names(&runs[0]));
        for ((name, bytes), (_, first)) in run.iter().zip(&runs[0]) {
            assert!(bytes == first, "{name} differs");
        }
    }
}
