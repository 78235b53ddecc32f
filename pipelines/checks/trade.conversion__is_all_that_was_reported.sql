-- Harmonising loses nothing: the value of the codes as they were reported is that of the regions, each year.
with reported as (
    select year, sum(fob_value) as fob_value
    from trade.conversion
    group by year
),

sums as (
    select year, sum(fob_value) as fob_value
    from trade.region_year
    group by year
)

select coalesce(r.year, s.year) as year, r.fob_value as reported, s.fob_value
from reported r
full join sums s on s.year = r.year
where coalesce(r.fob_value, 0) <> coalesce(s.fob_value, 0)
order by 1
