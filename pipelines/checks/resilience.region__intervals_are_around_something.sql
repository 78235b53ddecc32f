-- An interval has two ends in order, and is only there where the index is.
-- each: episode
select episode, benchmark, region_code, resistance, resistance_low, resistance_high, recovery, recovery_low, recovery_high
from resilience.region
where resistance_low > resistance_high
    or recovery_low > recovery_high
    or (resistance_low is null) <> (resistance_high is null)
    or (recovery_low is null) <> (recovery_high is null)
    or (resistance is null and resistance_low is not null)
    or (recovery is null and recovery_low is not null)
order by episode, benchmark, region_code
