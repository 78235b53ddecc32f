-- Every row of the condition is used, or counted with the reason why it is not.
select model, specification, outcome, n_selected, n_missing, n_singletons, n_separated, n_used
from model.fit
where failure is null and n_selected <> n_missing + n_zero_weights + n_singletons + n_separated + n_used
