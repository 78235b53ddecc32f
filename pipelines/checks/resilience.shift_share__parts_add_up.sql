-- National, mix and competitive parts add up to the change (Dunn 1960).
-- each: episode
select episode, stage, region_code, change, national, mix, competitive
from resilience.shift_share
where abs(change - national - mix - competitive) > 1e-6 * (1 + abs(change) + abs(national) + abs(mix))
order by episode, stage, region_code
