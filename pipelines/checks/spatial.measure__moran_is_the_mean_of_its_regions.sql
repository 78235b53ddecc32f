-- Weights of a row add up to 1, so the global index is the mean of the local ones.
select m.source_table, m.measure, m.period, m.moran, r.mean_of_regions
from spatial.measure m
join (
    select source_table, measure, period, avg(local_moran) as mean_of_regions
    from spatial.region
    group by source_table, measure, period
) r on r.source_table = m.source_table and r.measure = m.measure and r.period = m.period
where abs(m.moran - r.mean_of_regions) > 1e-9 * greatest(1, abs(m.moran))
