-- A slope, a speed and a half-life are there, or why one is not; a half-life needs a slope below 0.
select *
from spatial.convergence
where (half_life is null) <> (null_reason is not null)
    or (beta is null) <> (beta_standard_error is null)
    or (half_life is not null and beta >= 0)
    or from_year >= to_year
order by from_year, to_year
