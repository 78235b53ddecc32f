-- One row a region, product and episode: outcomes against the headline benchmark, and what region and
-- product were like in the year of the regressors. Exits and entries stay in, with their status. Made episode by episode, of the
-- years that each looks at: region-products that were first exported after its end are none of it.
-- each: episode, regressor_year, end_year in select episode, regressor_year, end_year from resilience.episode order by episode
-- reads: resilience.episode of episode, resilience.region_product of episode, resilience.product_transformation of episode
-- reads: resilience.transformation of episode, panel.region of episode
-- reads: trade.region_product_year of regressor_year, trade.region_year of regressor_year
-- reads: panel.region_product_year of regressor_year - 2 to regressor_year up to end_year
-- reads: space.region_product_year of regressor_year, diversification.product_year of regressor_year
-- reads: trade.product, policy.rebate
with aggregate_benchmark as (
    select * from resilience.region_product where episode = $episode and benchmark = 'aggregate'
),

last_base_year as (
    select episode, regressor_year as year from resilience.episode where episode = $episode
),

-- The nation's exports of each product, for market shares.
nation as (
    select year, product, sum(fob_value) as fob_value
    from trade.region_product_year
    where year = $regressor_year
    group by year, product
),

-- Mean growth over the three years up to the regressors' own.
pre_trend as (
    select y.episode, x.region_code, x.product, avg(x.dlog_value) as pre_trend_dlog, avg(x.dhs_value) as pre_trend_dhs
    from last_base_year y
    join panel.region_product_year x on x.year between $regressor_year - 2 and $regressor_year
    group by y.episode, x.region_code, x.product
)

select
    a.episode,
    a.region_code,
    a.product,
    h.hs6,
    h.hs4,
    h.hs2,
    h.product_subgroup,
    h.product_group,
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
    case when t.product is null and r.upgrading is not null then 0.0 else t.upgrading end as upgrading,
    case when t.product is null and r.expy_change is not null then 0.0 else t.expy_upgrading end as expy_upgrading,
    t.rca_change,
    t.is_entry_upgrade,
    case when a.base_value <= 0 and a.end_value is not null then a.end_value > 0 end as is_entry,
    case when a.base_value > 0 and a.end_value is not null then a.end_value <= 0 end as is_exit,
    case when a.base_value > a.trough_value and a.end_value is not null then a.end_value >= a.base_value end as is_recovered,
    s.density,
    s.density_null_reason,
    s.value_density,
    s.nearest_density,
    s.related_mass,
    s.related_count,
    s.group_entropy,
    s.weighted_entropy,
    s.unrelated_entropy,
    s.rca,
    s.is_specialized,
    t.pci,
    k.related_variety as region_related_variety,
    k.unrelated_variety as region_unrelated_variety,
    k.eci as region_eci,
    p.step as rebate_step,
    -- Only ordinary trade and processing with imported materials are eligible.
    p.step * (1 - x.supplied_processing_share) as rebate_exposure,
    -- What is eligible for sure, also where the kind of processing is not given.
    p.step * (1 - x.processing_share) as rebate_exposure_low,
    p.annual_change as rebate_annual_change,
    p.has_rise as has_rebate_rise,
    p.earlier_cut as rebate_earlier_cut,
    x.foreign_share,
    x.wholly_foreign_share,
    x.state_share,
    x.collective_share,
    x.private_share,
    x.processing_share,
    x.supplied_processing_share,
    x.imported_processing_share,
    x.ordinary_share,
    case
        when w.region_code is null then 'year_missing'
        when x.product is null then 'not_exported'
        else x.shares_null_reason
    end as shares_null_reason,
    k.foreign_share as region_foreign_share,
    k.processing_share as region_processing_share,
    case when a.base_value > 0 then ln(cast(a.base_value as double)) end as log_base_value,
    e.pre_trend_dlog,
    e.pre_trend_dhs,
    case
        when n.fob_value > 0 then cast(coalesce(x.fob_value, 0) as double) / cast(n.fob_value as double)
    end as market_share,
    g.hhi as product_hhi,
    x.log_firms,
    x.firm_hhi,
    x.n_destinations,
    x.destination_hhi,
    x.us_eu_japan_share,
    x.hong_kong_share
from aggregate_benchmark a
join last_base_year y on y.episode = a.episode
left join trade.product h on h.product = a.product
left join resilience.product_transformation t
    on t.episode = $episode and t.region_code = a.region_code and t.product = a.product
left join resilience.transformation r on r.episode = $episode and r.region_code = a.region_code
left join panel.region_product_year x
    on x.year = $regressor_year and x.region_code = a.region_code and x.product = a.product
-- Relatedness is there for what a region does not export, too.
left join space.region_product_year s
    on s.year = $regressor_year and s.region_code = a.region_code and s.product = a.product
left join trade.region_year w on w.year = $regressor_year and w.region_code = a.region_code
left join pre_trend e on e.episode = a.episode and e.region_code = a.region_code and e.product = a.product
left join panel.region k on k.episode = $episode and k.region_code = a.region_code
left join nation n on n.year = y.year and n.product = a.product
left join diversification.product_year g on g.year = $regressor_year and g.product = a.product
left join policy.rebate p on p.product = a.product
order by a.episode, a.region_code, a.product
