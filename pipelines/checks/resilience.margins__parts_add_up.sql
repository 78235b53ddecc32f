-- Continuing, entering and exiting products add up to the change, growing and shrinking ones to the continuing.
-- each: episode
select episode, stage, region_code, change, continuing, growing, shrinking, entering, exiting
from resilience.margins
where abs(change - continuing - entering - exiting) > 1e-6 * (1 + abs(continuing) + abs(entering) + abs(exiting))
    or abs(continuing - growing - shrinking) > 1e-6 * (1 + abs(growing) + abs(shrinking))
order by episode, stage, region_code
