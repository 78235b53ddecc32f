-- Totals of regions are the sums of their products.
-- each: year
with sums as (
    select year, region_code, sum(fob_value) as fob_value
    from trade.region_product_year
    group by year, region_code
)

select t.year, t.region_code, t.fob_value, s.fob_value as value_of_products
from trade.region_year t
left join sums s on s.year = t.year and s.region_code = t.region_code
where s.fob_value is null or s.fob_value <> t.fob_value
order by t.year, t.region_code
