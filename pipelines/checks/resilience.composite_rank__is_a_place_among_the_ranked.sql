-- The rank of a composite is from 1 to the number of those ranked, all of them add up, and its interval has two ends in order.
-- each: episode
with sums as (
    select episode, benchmark, sum(rank) as ranks, count(rank) as n
    from resilience.composite_rank
    group by episode, benchmark
)

select r.*
from resilience.composite_rank r
join sums s on s.episode = r.episode and s.benchmark = r.benchmark
where r.n_ranked <> s.n
    or abs(s.ranks - s.n * (s.n + 1) / 2.0) > 1e-6 * (1 + s.ranks)
    or (r.composite is null) <> (r.rank is null)
    or r.rank < 1
    or r.rank > r.n_ranked
    or r.rank_low > r.rank_median
    or r.rank_median > r.rank_high
    or r.rank_low < 1
    or r.rank_high > r.n_ranked
    or (r.rank_low is null) <> (r.null_reason is not null)
order by r.episode, r.benchmark, r.region_code
