-- The parts of products add up to those of their region.
with sums as (
    select
        episode,
        stage,
        region_code,
        sum(national) as national,
        sum(mix) as mix,
        sum(competitive) as competitive,
        sum(competitive_homothetic) as competitive_homothetic,
        sum(allocation) as allocation,
        sum(abs(competitive_homothetic) + abs(allocation)) as size
    from resilience.shift_share_product
    group by episode, stage, region_code
)

select
    s.episode,
    s.stage,
    s.region_code,
    s.national,
    p.national as national_of_products,
    s.mix,
    p.mix as mix_of_products,
    s.competitive,
    p.competitive as competitive_of_products,
    s.allocation,
    p.allocation as allocation_of_products
from resilience.shift_share s
left join sums p on p.episode = s.episode and p.stage = s.stage and p.region_code = s.region_code
where s.national is not null
    and (
        p.national is null
        or abs(s.national - p.national) > 1e-6 * (1 + abs(s.change) + abs(s.national))
        or abs(s.mix - p.mix) > 1e-6 * (1 + abs(s.change) + abs(s.national) + abs(s.mix))
        or abs(s.competitive - p.competitive) > 1e-6 * (1 + abs(s.change) + abs(s.national) + abs(s.mix))
        or abs(s.competitive_homothetic - p.competitive_homothetic) > 1e-6 * (1 + p.size)
        or abs(s.allocation - p.allocation) > 1e-6 * (1 + p.size)
    )
order by s.episode, s.stage, s.region_code
