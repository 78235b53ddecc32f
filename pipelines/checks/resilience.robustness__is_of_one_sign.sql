-- A region is robust if it is above what is expected against all benchmarks, or against none; or it is said why nothing is.
select *
from resilience.robustness
where n_above > n_compared
    or diff_low > diff_median
    or diff_median > diff_high
    or rank_low > rank_high
    or is_robust <> (n_above = 0 or n_above = n_compared)
    or (is_robust is null) <> (null_reason is not null)
    or (n_compared = 0) <> (diff_low is null)
    or (diff_low >= 0) <> (n_above = n_compared)
    or (diff_high < 0) <> (n_above = 0)
order by episode, stage, region_code
