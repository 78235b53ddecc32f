-- The competitive part is its homothetic part, the allocation and what enters (Esteban-Marquillas 1972); the dynamic parts
-- add up to the same change (Barff & Knight 1988).
select
    episode,
    stage,
    region_code,
    change,
    competitive,
    competitive_homothetic,
    allocation,
    entering,
    dynamic_national,
    dynamic_mix,
    dynamic_competitive
from resilience.shift_share
where abs(competitive - competitive_homothetic - allocation - entering)
        > 1e-6 * (1 + abs(change) + abs(national) + abs(competitive_homothetic) + abs(allocation))
    or abs(change - dynamic_national - dynamic_mix - dynamic_competitive)
        > 1e-6 * (1 + abs(change) + abs(dynamic_national) + abs(dynamic_mix))
    or (competitive is null) <> (null_reason is not null)
    or (competitive is null) <> (allocation is null)
    or (dynamic_national is null) <> (dynamic_null_reason is not null)
order by episode, stage, region_code
