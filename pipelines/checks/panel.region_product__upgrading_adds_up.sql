-- No product is missing: the contributions to upgrading add up to the region's.
-- each: episode
with sums as (
    select episode, region_code, sum(upgrading) as upgrading
    from panel.region_product
    group by episode, region_code
)

select p.episode, p.region_code, p.upgrading, s.upgrading as upgrading_of_products
from panel.region p
left join sums s on s.episode = p.episode and s.region_code = p.region_code
where p.upgrading is not null and abs(p.upgrading - coalesce(s.upgrading, 0)) > 1e-9
order by p.episode, p.region_code
