-- Net loss is gross loss less gross gain, and the cumulative loss of the region; scores are 0 to 100; nulls have reasons.
select c.episode, c.benchmark, c.region_code, c.gross_loss, c.gross_gain, c.net_loss, r.cumulative_loss, c.composite
from resilience.component c
join resilience.region r on r.episode = c.episode and r.benchmark = c.benchmark and r.region_code = c.region_code
where abs(c.net_loss - (c.gross_loss - c.gross_gain)) > 1e-9 * (1 + c.gross_loss + c.gross_gain)
    or abs(c.net_loss - r.cumulative_loss) > 1e-9 * (1 + cast(r.base_value as double) + c.gross_loss + c.gross_gain)
    or least(c.gross_loss, c.gross_gain, c.loss_area, c.gain_area) < 0
    or least(c.depth_score, c.loss_score, c.recovery_score, c.strength_score, c.stability_score, c.end_score, c.composite) < 0
    or greatest(c.depth_score, c.loss_score, c.recovery_score, c.strength_score, c.stability_score, c.end_score, c.composite)
        > 100.000001
    or (c.net_loss is null) <> (c.null_reason is not null)
    or (c.largest_gap_relative is null or c.end_relative is null) <> (c.relative_null_reason is not null)
    or (c.largest_gap_spread is null) <> (c.spread_null_reason is not null)
    or (c.n_periods_to_recover is null) <> (c.recover_null_reason is not null)
    or (c.growth_sd is null) <> (c.growth_sd_null_reason is not null)
    or (c.rri is null) <> (c.rri_null_reason is not null)
    or (c.n_periods_to_80 is null) <> (c.regained_null_reason is not null)
    or (c.composite is null) <> (c.composite_null_reason is not null)
    or c.largest_gap_low > c.largest_gap_high
    or c.composite_low > c.composite_high
    or (c.largest_gap is not null and c.largest_gap_low is null and c.interval_null_reason is null)
order by c.episode, c.benchmark, c.region_code
