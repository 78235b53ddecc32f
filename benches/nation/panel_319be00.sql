-- What DuckDB runs in benches/nation.py: pipelines/sql/panel.region_product_year.sql as it was at commit 319be00, so that what a
-- run is held against stays the same while the pipeline goes on. Only the column `hs6` is called `product`, as tables have it since.
-- It differs from the panel of today in two ways. It has a row for regions that have no record in the year. And `dhs_value` is
-- null where nothing was exported the year before.

-- One row a year and region-product that was exported in any year, with zeros in the others: outcomes of dynamic models, and
-- everything the region-product was like in the year. Made year by year: a nation's panel is larger than memory.
-- each: year in select distinct year from trade.region_year order by year
with pair as (
    select distinct region_code, product from trade.region_product_year where fob_value > 0
),

cell as (
    select y.year, p.region_code, p.product, coalesce(x.fob_value, 0) as fob_value
    from pair p
    cross join (select distinct year from trade.region_year where year = $year) y
    left join trade.region_product_year x
        on x.year = $year and x.region_code = p.region_code and x.product = p.product
),

product as (
    select year, product, sum(fob_value) as fob_value from trade.region_product_year where year = $year group by year, product
),

-- Types of ownership by the 6th digit of Chinese company codes: 2, 3 and 4 are foreign-invested.
ownership as (
    select
        year,
        region_code,
        product,
        sum(cast(fob_value as double)) as total,
        sum(case when ownership in ('contractual_jv', 'equity_jv', 'wholly_foreign') then cast(fob_value as double) else 0 end) as foreign_value,
        sum(case when ownership = 'wholly_foreign' then cast(fob_value as double) else 0 end) as wholly_foreign_value,
        sum(case when ownership = 'state' then cast(fob_value as double) else 0 end) as state_value,
        sum(case when ownership = 'collective' then cast(fob_value as double) else 0 end) as collective_value,
        sum(case when ownership in ('private', 'sole_trader') then cast(fob_value as double) else 0 end) as private_value
    from trade.region_product_year_ownership
    where year = $year
    group by year, region_code, product
),

-- 10 ordinary trade, 14 processing with supplied, 15 with imported materials; `processing` where a release does not say which.
trade_mode as (
    select
        year,
        region_code,
        product,
        sum(cast(fob_value as double)) as total,
        sum(case when trade_mode = '10' then cast(fob_value as double) else 0 end) as ordinary_value,
        sum(case when trade_mode in ('14', '15', 'processing') then cast(fob_value as double) else 0 end) as processing_value,
        sum(case when trade_mode = '14' then cast(fob_value as double) else 0 end) as supplied_value,
        sum(case when trade_mode = '15' then cast(fob_value as double) else 0 end) as imported_value,
        sum(case when trade_mode = 'processing' then 1 else 0 end) as n_collapsed
    from trade.region_product_year_trade_mode
    where year = $year
    group by year, region_code, product
),

destination as (
    select
        year,
        region_code,
        product,
        count(*) as n_destinations,
        sum(cast(fob_value as double)) as total,
        sum(cast(fob_value as double) * cast(fob_value as double)) as sum_of_squares,
        -- The European Union of 27 members, as it was from 2007 to 2013.
        sum(case when destination in (
            'USA', 'JPN', 'AUT', 'BEL', 'BGR', 'CYP', 'CZE', 'DEU', 'DNK', 'ESP', 'EST', 'FIN', 'FRA', 'GBR', 'GRC',
            'HUN', 'IRL', 'ITA', 'LTU', 'LUX', 'LVA', 'MLT', 'NLD', 'POL', 'PRT', 'ROU', 'SVK', 'SVN', 'SWE'
        ) then cast(fob_value as double) else 0 end) as us_eu_japan_value,
        sum(case when destination = 'HKG' then cast(fob_value as double) else 0 end) as hong_kong_value
    from trade.region_product_year_destination
    where year = $year and fob_value > 0
    group by year, region_code, product
),

firm as (
    select
        year,
        region_code,
        product,
        count(*) as n_firms,
        sum(cast(fob_value as double)) as total,
        sum(cast(fob_value as double) * cast(fob_value as double)) as sum_of_squares
    from trade.region_product_year_firm
    where year = $year and fob_value > 0
    group by year, region_code, product
)

select
    c.year,
    c.region_code,
    c.product,
    left(c.product, 4) as hs4,
    left(c.product, 2) as hs2,
    c.fob_value,
    c.fob_value > 0 as is_exported,
    case when c.fob_value > 0 then ln(cast(c.fob_value as double)) end as log_value,
    case when c.fob_value > 0 and b.fob_value > 0
        then ln(cast(c.fob_value as double)) - ln(cast(b.fob_value as double)) end as dlog_value,
    case when c.fob_value >= 0 and b.fob_value >= 0 and c.fob_value + b.fob_value > 0
        then 2 * cast(c.fob_value - b.fob_value as double) / cast(c.fob_value + b.fob_value as double) end as dhs_value,
    case when o.total > 0 then o.foreign_value / o.total end as foreign_share,
    case when o.total > 0 then o.wholly_foreign_value / o.total end as wholly_foreign_share,
    case when o.total > 0 then o.state_value / o.total end as state_share,
    case when o.total > 0 then o.collective_value / o.total end as collective_share,
    case when o.total > 0 then o.private_value / o.total end as private_share,
    case when m.total > 0 then m.processing_value / m.total end as processing_share,
    case when m.total > 0 and m.n_collapsed = 0 then m.supplied_value / m.total end as supplied_processing_share,
    case when m.total > 0 and m.n_collapsed = 0 then m.imported_value / m.total end as imported_processing_share,
    case when m.total > 0 then m.ordinary_value / m.total end as ordinary_share,
    case
        when c.fob_value <= 0 then 'not_exported'
        when o.total is null and m.total is null then 'not_in_source'
        when m.n_collapsed > 0 then 'processing_kind_not_given'
    end as shares_null_reason,
    d.n_destinations,
    case when d.total > 0 then d.sum_of_squares / (d.total * d.total) end as destination_hhi,
    case when d.total > 0 then d.us_eu_japan_value / d.total end as us_eu_japan_share,
    case when d.total > 0 then d.hong_kong_value / d.total end as hong_kong_share,
    f.n_firms,
    case when f.n_firms is not null then ln(1 + cast(f.n_firms as double)) end as log_firms,
    case when f.total > 0 then f.sum_of_squares / (f.total * f.total) end as firm_hhi,
    case when n.fob_value > 0 then cast(c.fob_value as double) / cast(n.fob_value as double) end as market_share,
    g.hhi as product_hhi,
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
    s.entered,
    s.exited,
    q.pci,
    v.related_variety as region_related_variety,
    v.unrelated_variety as region_unrelated_variety,
    r.eci as region_eci,
    t.rate as rebate_rate,
    t.log_export_tax,
    -- Supplied materials are no one's of the exporter: nothing of theirs is rebated.
    t.log_export_tax * (1 - case when m.total > 0 and m.n_collapsed = 0 then m.supplied_value / m.total end) as log_export_tax_exposure
from cell c
left join trade.region_product_year b on b.year = $year - 1 and b.region_code = c.region_code and b.product = c.product
left join product n on n.year = c.year and n.product = c.product
left join ownership o on o.year = c.year and o.region_code = c.region_code and o.product = c.product
left join trade_mode m on m.year = c.year and m.region_code = c.region_code and m.product = c.product
left join destination d on d.year = c.year and d.region_code = c.region_code and d.product = c.product
left join firm f on f.year = c.year and f.region_code = c.region_code and f.product = c.product
left join diversification.product_year g on g.year = $year and g.product = c.product
left join diversification.region_year v on v.year = $year and v.region_code = c.region_code
left join space.region_product_year s on s.year = $year and s.region_code = c.region_code and s.product = c.product
left join space.product_year q on q.year = $year and q.product = c.product
left join space.region_year r on r.year = $year and r.region_code = c.region_code
left join policy.rebate_year t on t.year = $year and t.product = c.product
order by c.year, c.region_code, c.product
