-- The records of every raw file are what the reconciliation says, counted from the records themselves, and no file is in
-- one alone. What `where` and `years` leave out is no record; the rules of these names say how much it is.
-- each: source_file
with records as (
    select
        source_file,
        sum(case when is_excluded then 0 else 1 end) as n_records,
        sum(case when is_excluded then 1 else 0 end) as n_excluded,
        sum(fob_value) as fob_value
    from customs.records
    group by source_file
),

left_out as (
    select source_file, sum(n_entries) as n_entries, sum(fob_value) as fob_value
    from customs.rules
    where rule in ('where', 'years')
    group by source_file
)

select coalesce(r.source_file, c.source_file) as source_file, r.n_records, c.n_records as found_records,
    r.value_records + r.value_excluded as fob_value, c.fob_value as found_value, l.n_entries as n_left_out,
    l.fob_value as value_left_out
from customs.reconciliation r
full join records c on c.source_file = r.source_file
left join left_out l on l.source_file = r.source_file
where r.source_file is null
    or coalesce(c.n_records, 0) <> r.n_records
    or coalesce(c.n_excluded, 0) + coalesce(l.n_entries, 0) <> r.n_excluded
    or coalesce(c.fob_value, 0) + coalesce(l.fob_value, 0) <> r.value_records + r.value_excluded
order by 1
