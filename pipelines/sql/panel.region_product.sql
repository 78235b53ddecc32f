-- One row a region, product and episode: outcomes against the headline benchmark, and what region and
-- product were like in the last base year. Exits and entries stay in, with their status.
with aggregate_benchmark as (
    select * from resilience.region_product where benchmark = 'aggregate'
),

last_base_year as (
    select episode, regressor_year as year from resilience.episode
),

-- The nation's exports of each product, for market shares.
product_year as (
    select year, hs6, sum(fob_value) as fob_value
    from trade.region_product_year
    group by year, hs6
)

select
    a.episode,
    a.region_code,
    a.hs6,
    left(a.hs6, 4) as hs4,
    left(a.hs6, 2) as hs2,
    a.status,
    a.base_value,
    a.trough_value,
    a.end_value,
    a.resistance,
    a.resistance_winsorized,
    a.resistance_diff,
    a.resistance_dlog,
    a.resistance_dhs,
    a.resistance_null_reason,
    a.recovery,
    a.recovery_winsorized,
    a.recovery_diff,
    a.recovery_dlog,
    a.recovery_dhs,
    a.recovery_null_reason,
    -- Products exported neither at the base nor in the transformation period add nothing to what there is.
    case when t.hs6 is null and r.upgrading is not null then 0.0 else t.upgrading end as upgrading,
    case when t.hs6 is null and r.expy_change is not null then 0.0 else t.expy_upgrading end as expy_upgrading,
    t.rca_change,
    t.is_entry_upgrade,
    s.density,
    s.rca,
    s.is_specialized,
    t.pci,
    d.related_variety as region_related_variety,
    d.unrelated_variety as region_unrelated_variety,
    case when a.base_value > 0 then ln(cast(a.base_value as double)) end as log_base_value,
    case
        when n.fob_value > 0 then cast(coalesce(x.fob_value, 0) as double) / cast(n.fob_value as double)
    end as market_share
from aggregate_benchmark a
join last_base_year y on y.episode = a.episode
left join resilience.product_transformation t
    on t.episode = a.episode and t.region_code = a.region_code and t.hs6 = a.hs6
left join resilience.transformation r on r.episode = a.episode and r.region_code = a.region_code
left join space.region_product_year s
    on s.year = y.year and s.region_code = a.region_code and s.hs6 = a.hs6
left join diversification.region_year d on d.year = y.year and d.region_code = a.region_code
left join trade.region_product_year x
    on x.year = y.year and x.region_code = a.region_code and x.hs6 = a.hs6
left join product_year n on n.year = y.year and n.hs6 = a.hs6
order by a.episode, a.region_code, a.hs6
