select source_table, measure, period, theil, theil_between, theil_within
from spatial.measure
where abs(theil - theil_between - theil_within) > 1e-12
   or abs(theil_weighted - theil_between_weighted - theil_within_weighted) > 1e-12
