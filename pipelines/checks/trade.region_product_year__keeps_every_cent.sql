-- Harmonising and summing lose nothing: each year and region has the value of its records, of exports or
-- of imports, whichever the config analyses.
-- each: year
with records as (
    select
        year,
        region_code,
        sum(case when flow = 'export' then fob_value else 0 end) as exports,
        sum(case when flow = 'import' then fob_value else 0 end) as imports
    from customs.records
    where not is_excluded
    group by year, region_code
),

sums as (
    select year, region_code, sum(fob_value) as fob_value
    from trade.region_product_year
    group by year, region_code
)

select coalesce(r.year, s.year) as year, coalesce(r.region_code, s.region_code) as region_code,
    r.exports, r.imports, s.fob_value
from records r
full join sums s on s.year = r.year and s.region_code = r.region_code
where coalesce(s.fob_value, 0) <> coalesce(r.exports, 0)
    and coalesce(s.fob_value, 0) <> coalesce(r.imports, 0)
order by 1, 2
