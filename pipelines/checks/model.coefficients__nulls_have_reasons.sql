-- A coefficient is there, inside its interval, or there is a reason why not.
select model, specification, outcome, term, estimate, low, high, null_reason
from model.coefficients
where (estimate is null) <> (null_reason is not null) or estimate not between low and high
