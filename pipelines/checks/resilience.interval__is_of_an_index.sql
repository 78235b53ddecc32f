-- An interval has two ends in order or a reason, and is only there where the index is; that by draws of products is the one
-- of the region.
-- each: episode
select i.*
from resilience.interval i
join resilience.region r on r.episode = i.episode and r.benchmark = i.benchmark and r.region_code = i.region_code
where i.low > i.high
    or (i.low is null) <> (i.high is null)
    or (i.low is null) <> (i.null_reason is not null)
    or i.n_replicates < 0
    or (case i.stage when 'recovery' then r.recovery else r.resistance end is null and i.n_replicates > 0)
    or (
        i.source = 'products'
        and (
            coalesce(i.low <> case i.stage when 'recovery' then r.recovery_low else r.resistance_low end, false)
            or (i.low is null) <> (case i.stage when 'recovery' then r.recovery_low else r.resistance_low end is null)
        )
    )
order by i.episode, i.benchmark, i.stage, i.region_code, i.source
