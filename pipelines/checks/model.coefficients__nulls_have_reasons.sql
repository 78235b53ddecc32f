-- A coefficient and its error are there, the one inside its interval, or there is a reason why not.
select model, specification, outcome, term, estimate, low, high, null_reason
from model.coefficients
where (estimate is null or se is null) <> (null_reason is not null) or estimate not between low and high
