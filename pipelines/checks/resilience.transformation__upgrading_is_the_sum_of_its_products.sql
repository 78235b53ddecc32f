-- The contributions of products add up to the region's upgrading, and to its change of EXPY.
-- each: episode
with sums as (
    select episode, region_code, sum(upgrading) as upgrading, sum(expy_upgrading) as expy_upgrading
    from resilience.product_transformation
    group by episode, region_code
)

select
    t.episode,
    t.region_code,
    t.upgrading,
    s.upgrading as upgrading_of_products,
    t.expy_change,
    s.expy_upgrading as expy_change_of_products
from resilience.transformation t
left join sums s on s.episode = t.episode and s.region_code = t.region_code
where abs(t.upgrading - coalesce(s.upgrading, 0)) > 1e-9
    or abs(t.expy_change - coalesce(s.expy_upgrading, 0)) > 1e-9 * (1 + abs(t.expy_before))
order by t.episode, t.region_code
