-- A date comes with its F and is one of the candidates; p is a probability, or it is said why there is none.
select *
from resilience.shock_date
where (period is null) <> (sup_f is null)
    or (period is null) <> (first_candidate is null)
    or (period is null) <> (last_candidate is null)
    or period < first_candidate
    or period > last_candidate
    or (p_value is null) <> (null_reason is not null)
    or (period is null and p_value is not null)
    or sup_f < 0
    or p_value <= 0
    or p_value > 1
order by episode, region_code
