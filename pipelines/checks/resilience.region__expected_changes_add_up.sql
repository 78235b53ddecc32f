-- Under the aggregate and mix benchmarks the expected changes of all regions add up to the actual change;
-- under mix, less what products new to the whole nation brought, which have no growth rate. Unless a
-- region has no expectation because it began with nothing or was not reported.
with new_products as (
    select episode, product, sum(cast(trough_value as double)) as value
    from resilience.region_product
    where benchmark = (select min(benchmark) from resilience.region_product)
    group by episode, product
    having sum(base_value) = 0
),

new_value as (
    select episode, sum(value) as value from new_products group by episode
),

sums as (
    select
        episode,
        benchmark,
        count(*) as n_regions,
        count(resistance_expected_change) as n_expected,
        sum(resistance_expected_change) as expected,
        sum(cast(trough_value - base_value as double)) as actual,
        sum(cast(base_value as double)) as base
    from resilience.region
    where benchmark in ('aggregate', 'mix')
    group by episode, benchmark
)

select s.episode, s.benchmark, s.expected, s.actual, n.value as value_of_new_products
from sums s
left join new_value n on n.episode = s.episode and s.benchmark = 'mix'
where s.n_expected = s.n_regions
    -- The base of several periods is rounded to hundredths in each row.
    and abs(s.expected + coalesce(n.value, 0) - s.actual) > 1e-9 * s.base + 0.01 * s.n_regions
order by s.episode, s.benchmark
