-- In every raw file, entries and value in = records + excluded + rejected (+ empty cells).
select source_file, n_entries, n_records, n_excluded, n_rejected, n_empty,
    value_in, value_records, value_excluded, value_rejected
from customs.reconciliation
where value_in <> value_records + value_excluded + value_rejected
    or n_entries <> n_records + n_excluded + n_rejected + n_empty
order by source_file
