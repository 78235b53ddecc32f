-- An index is null exactly where its reason is given.
-- each: episode
select episode, region_code, product, resistance, resistance_null_reason, recovery, recovery_null_reason
from panel.region_product
where (resistance is null) <> (resistance_null_reason is not null)
    or (recovery is null) <> (recovery_null_reason is not null)
order by episode, region_code, product
