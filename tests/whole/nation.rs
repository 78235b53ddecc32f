//! What the nation is: the regions that can be followed through an episode; and a pipeline of one
//! region, which has no nation to be compared with.

use crate::classifications::{project, run};

const HS: &str = "{digits: 6, restore_leading_zero: false, revisions: [{from: 2007, to: 2011, revision: HS2007}]}";

#[test]
fn the_nation_is_of_the_same_regions_in_all_its_columns() {
    let rows = [
        (2008, "A", "010190", "100"),
        (2009, "A", "010190", "60"),
        (2011, "A", "010190", "90"),
        (2008, "B", "010190", "300"),
        (2009, "B", "020110", "260"),
        (2011, "B", "020110", "270"),
        // Gone at the end, though there at base and trough.
        (2008, "C", "010190", "600"),
        (2009, "C", "010190", "300"),
        // There at the end only.
        (2011, "D", "010190", "5000"),
    ];
    let project = project(HS, "currency: USD", &rows);
    run(&project).ok();
    let found = project.sql(
        "select n_regions_resistance, n_regions_recovery, n_regions_compared, round(resistance_growth, 9), \
         round(recovery_growth, 9) from resilience.episode",
    );
    // A, B and C fall from 1000 to 620; A and B rise from 320 to 360.
    assert_eq!(found, ["3,2,2,-0.38,0.125"]);
    // The nation is A and B: 400, 320, 360.
    let found = project.sql(
        "select base_value, trough_value, end_value, round(resistance_growth, 9), round(recovery_growth, 9), \
         level_recovery, recovered_share, rebound from resilience.nation where benchmark = 'aggregate'",
    );
    assert_eq!(found, ["400.00,320.00,360.00,-0.2,0.125,0.9,0.5,0.125"]);
    let path = project.sql(
        "select period, value from resilience.nation_period where benchmark = 'aggregate' and value is not null order by period",
    );
    assert_eq!(path, ["2008,400.0", "2009,320.0", "2011,360.0"]);
}

#[test]
fn one_region_is_its_own_benchmark() {
    let rows = [
        (2008, "A", "010190", "100"),
        (2008, "A", "020110", "100"),
        (2009, "A", "010190", "60"),
        (2009, "A", "020110", "90"),
        (2011, "A", "010190", "90"),
        (2011, "A", "020110", "90"),
    ];
    let project = project(HS, "currency: USD", &rows);
    run(&project).ok();
    for table in ["region", "macro_region", "nation"] {
        let found = project.sql(&format!(
            "select benchmark, resistance, resistance_diff, resistance_ratio, resistance_null_reason, recovery, \
             recovery_null_reason, round(resistance_growth, 9) from resilience.{table} order by benchmark"
        ));
        let expected =
            ["aggregate", "mix"].map(|of| format!("{of},,,,is_benchmark,,is_benchmark,-0.25"));
        assert_eq!(found, expected, "{table}");
    }
    // A product is compared with all products, and not with itself.
    let found = project.sql(
        "select benchmark, product, round(resistance, 9), resistance_null_reason from resilience.region_product order by 1, 2",
    );
    assert_eq!(
        found,
        [
            "aggregate,010190,-0.6,",
            "aggregate,020110,0.6,",
            "product,010190,,is_benchmark",
            "product,020110,,is_benchmark",
        ]
    );
}
