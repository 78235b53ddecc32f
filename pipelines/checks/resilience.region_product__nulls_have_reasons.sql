-- An index is there, or why it is not; and the winsorised one with it.
-- each: episode
select episode, benchmark, region_code, product
from resilience.region_product
where (resistance is null) <> (resistance_null_reason is not null)
    or (recovery is null) <> (recovery_null_reason is not null)
    or (resistance is null) <> (resistance_winsorized is null)
    or (recovery is null) <> (recovery_winsorized is null)
order by episode, benchmark, region_code, product
