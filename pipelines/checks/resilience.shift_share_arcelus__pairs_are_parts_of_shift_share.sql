-- Each pair of the eight parts is a part of shift-share (Arcelus 1984; Esteban-Marquillas 1972).
with parts as (
    select
        a.*,
        s.national,
        s.mix,
        s.competitive_homothetic,
        s.allocation,
        s.entering as entering_of_shares,
        1e-6 * (1 + abs(s.change) + abs(s.national) + abs(s.competitive_homothetic) + abs(s.allocation)) as slack
    from resilience.shift_share_arcelus a
    join resilience.shift_share s
        on s.episode = a.episode and s.stage = a.stage and s.region_code = a.region_code
)

select *
from parts
where abs(national_expected + national_differential - national) > slack
    or abs(mix_expected + mix_differential - mix) > slack
    or abs(regional_expected + regional_mix_expected - competitive_homothetic) > slack
    or abs(regional_differential + regional_mix_differential - allocation) > slack
    or abs(entering - entering_of_shares) > slack
    or (national is null) <> (national_expected is null)
order by episode, stage, region_code
