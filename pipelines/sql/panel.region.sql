-- One row a region and episode: outcomes against the headline benchmark, and what the region was like in
-- the last base year. Made episode by episode, of the years that each looks at.
-- each: episode, regressor_year in select episode, regressor_year from resilience.episode order by episode
-- reads: resilience.episode of episode, resilience.region of episode, resilience.shift_share of episode
-- reads: resilience.transformation of episode, resilience.region_cycle of episode, trade.region, policy.rebate
-- reads: resilience.component of episode
-- reads: trade.region_product_year of regressor_year, trade.region_product_year_ownership of regressor_year
-- reads: trade.region_product_year_trade_mode of regressor_year, diversification.region_year of regressor_year
-- reads: space.region_year of regressor_year
with aggregate_benchmark as (
    select * from resilience.region where episode = $episode and benchmark = 'aggregate'
),

mix_benchmark as (
    select * from resilience.region where episode = $episode and benchmark = 'mix'
),

own_trend as (
    select * from resilience.region where episode = $episode and benchmark = 'own_trend'
),

-- Regressors are of the last whole year that ends with the base or before it.
last_base_year as (
    select episode, regressor_year as year from resilience.episode where episode = $episode
),

-- What is made of the path up to the end, against the same benchmark. No level is below zero, so that
-- the score of the loss is 1 less the loss over what was expected.
component as (
    select *, 1 - loss_score / 100 as gross_loss_share
    from resilience.component
    where episode = $episode and benchmark = 'aggregate'
),

shift_share as (
    select * from resilience.shift_share where episode = $episode and stage = 'resistance'
),

-- Shares of the region's exports of all products.
ownership as (
    select
        year,
        region_code,
        sum(cast(fob_value as double)) as total,
        sum(case when ownership in ('contractual_jv', 'equity_jv', 'wholly_foreign') then cast(fob_value as double) else 0 end) as foreign_value,
        sum(case when ownership = 'state' then cast(fob_value as double) else 0 end) as state_value
    from trade.region_product_year_ownership
    where year = $regressor_year
    group by year, region_code
),

trade_mode as (
    select
        year,
        region_code,
        sum(cast(fob_value as double)) as total,
        sum(case when trade_mode in ('14', '15', 'processing') then cast(fob_value as double) else 0 end) as processing_value
    from trade.region_product_year_trade_mode
    where year = $regressor_year
    group by year, region_code
),

-- The step of what the region exports, where it is known.
rebate as (
    select
        x.year,
        x.region_code,
        sum(cast(x.fob_value as double) * p.step) / sum(cast(x.fob_value as double)) as rebate_step
    from trade.region_product_year x
    join policy.rebate p on p.product = x.product
    where x.year = $regressor_year and p.step is not null and x.fob_value > 0
    group by x.year, x.region_code
)

select
    a.episode,
    a.region_code,
    r.region_name,
    a.base_value,
    a.trough_value,
    a.end_value,
    a.resistance,
    a.resistance_null_reason,
    m.resistance as resistance_mix,
    a.resistance_dhs,
    a.recovery,
    a.recovery_null_reason,
    m.recovery as recovery_mix,
    a.recovery_dhs,
    a.type,
    a.expected_sign,
    a.sensitivity,
    a.level_recovery,
    o.drop_rebound,
    a.cumulative_loss_share,
    c.n_periods_to_recover,
    c.is_recovered,
    k.largest_gap_relative,
    k.gross_loss_share,
    k.end_relative,
    k.relative_null_reason as gaps_null_reason,
    k.n_periods_to_recover as n_periods_to_recover_expected,
    k.recover_null_reason as recover_expected_null_reason,
    k.rri,
    k.rri_null_reason,
    k.composite,
    k.composite_null_reason,
    a.resistance_low,
    a.resistance_high,
    a.recovery_low,
    a.recovery_high,
    a.largest_part as largest_product,
    a.largest_part_share as largest_product_share,
    s.national as resistance_national,
    s.mix as resistance_industry_mix,
    s.competitive as resistance_competitive,
    t.michaely,
    t.upgrading,
    t.expy_change,
    t.eci_change,
    t.high_complexity_change,
    t.n_new_specializations,
    t.entry_rate,
    d.related_variety,
    d.unrelated_variety,
    d.hhi,
    d.n_products,
    p.eci,
    p.mean_density,
    case when a.base_value > 0 then ln(cast(a.base_value as double)) end as log_base_value,
    case when w.total > 0 then w.foreign_value / w.total end as foreign_share,
    case when w.total > 0 then w.state_value / w.total end as state_share,
    case when q.total > 0 then q.processing_value / q.total end as processing_share,
    b.rebate_step
from aggregate_benchmark a
join last_base_year y on y.episode = a.episode
join trade.region r on r.region_code = a.region_code
left join mix_benchmark m on m.episode = a.episode and m.region_code = a.region_code
left join own_trend o on o.episode = a.episode and o.region_code = a.region_code
left join shift_share s on s.episode = a.episode and s.region_code = a.region_code
left join resilience.transformation t on t.episode = a.episode and t.region_code = a.region_code
left join resilience.region_cycle c on c.episode = a.episode and c.region_code = a.region_code
left join component k on k.episode = a.episode and k.region_code = a.region_code
left join diversification.region_year d on d.year = y.year and d.region_code = a.region_code
left join space.region_year p on p.year = y.year and p.region_code = a.region_code
left join ownership w on w.year = y.year and w.region_code = a.region_code
left join trade_mode q on q.year = y.year and q.region_code = a.region_code
left join rebate b on b.year = y.year and b.region_code = a.region_code
order by a.episode, a.region_code
