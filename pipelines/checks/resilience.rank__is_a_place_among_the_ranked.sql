-- A rank is from 1 to the number of those ranked, all of them add up, its interval has two ends in order, and probabilities
-- are from 0 to 1.
with sums as (
    select episode, benchmark, stage, sum(rank) as ranks, count(rank) as n
    from resilience.rank
    group by episode, benchmark, stage
)

select r.*
from resilience.rank r
join sums s on s.episode = r.episode and s.benchmark = r.benchmark and s.stage = r.stage
where r.n_ranked <> s.n
    or abs(s.ranks - s.n * (s.n + 1) / 2.0) > 1e-6 * (1 + s.ranks)
    or r.n_drawn > r.n_ranked
    or r.rank < 1
    or r.rank > r.n_ranked
    or r.rank_low > r.rank_high
    or r.rank_low < 1
    or r.rank_high > r.n_ranked
    or r.p_top_quarter < 0
    or r.p_top_quarter > 1
    or r.p_above_median < 0
    or r.p_above_median > 1
    or (r.rank_low is null) <> (r.null_reason is not null)
    or (r.rank_low is null) <> (r.source is null)
order by r.episode, r.benchmark, r.stage, r.region_code
