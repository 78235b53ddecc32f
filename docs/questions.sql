-- Twenty questions on the Australian sample, each with its answer: run `make demo`, then `rebound sql -f` one of them.

-- 1. What is published, with how many columns?
select table_schema, count(distinct table_name) as tables, count(*) as columns from information_schema.columns where table_schema not in ('information_schema', 'meta', 'pg_catalog') group by table_schema order by table_schema;
-- | table_schema, tables, columns
-- | customs, 5, 63
-- | diversification, 2, 36
-- | external, 1, 5
-- | model, 2, 50
-- | panel, 4, 190
-- | policy, 2, 20
-- | resilience, 29, 546
-- | space, 5, 68
-- | spatial, 3, 42
-- | trade, 13, 84

-- 2. What does a table hold?
select column_name, data_type, is_nullable from information_schema.columns where table_schema = 'resilience' and table_name = 'region_cycle' order by ordinal_position limit 5;
-- | column_name, data_type, is_nullable
-- | episode, Utf8, NO
-- | region_code, Utf8, NO
-- | peak, Utf8, YES
-- | trough, Utf8, YES
-- | n_periods_down, Int64, YES

-- 3. How much was exported each year, in bn?
select year, round(sum(fob_value) / 1e9, 1) as bn from trade.region_year group by year order by year;
-- | year, bn
-- | 2005, 112.8
-- | 2006, 134.0
-- | 2007, 138.5
-- | 2008, 187.0
-- | 2009, 166.3
-- | 2010, 198.8
-- | 2011, 228.8
-- | 2012, 216.9
-- | 2013, 228.5
-- | 2014, 221.9

-- 4. How deep was the fall, and how strong the return, of the nation?
select episode, base, trough, "end", round(100 * resistance_growth, 1) as fall, round(100 * recovery_growth, 1) as return from resilience.episode order by episode;
-- | episode, base, trough, end, fall, return
-- | crisis_2008, 2008, 2009, 2011, -11.0, 37.5
-- | crisis_2008_long, "2007,  2008", 2009, 2010, 2.2, 19.5

-- 5. Which regions resisted best in the crisis of 2008?
select region_name, round(resistance, 2) as resistance from panel.region where episode = 'crisis_2008' order by resistance desc nulls last limit 3;
-- | region_name, resistance
-- | Australian Capital Territory, 1.19
-- | Western Australia, 0.41
-- | New South Wales, 0.39

-- 6. How sure is that: whose interval lies on one side of zero?
select region_name, round(recovery, 2) as recovery, round(recovery_low, 2) as low, round(recovery_high, 2) as high from panel.region where episode = 'crisis_2008' and (recovery_low > 0 or recovery_high < 0) order by recovery;
-- | region_name, recovery, low, high
-- | Australian Capital Territory, -3.1, -3.66, -1.65
-- | Tasmania, -0.87, -1.44, -0.22
-- | Victoria, -0.72, -1.12, -0.3
-- | Northern Territory, -0.56, -1.64, -0.22
-- | New South Wales, -0.46, -0.74, -0.18

-- 7. Which regions both resisted and recovered, and which did neither?
select type, count(*) as regions, string_agg(region_code, ' ' order by region_code) as which from panel.region where episode = 'crisis_2008' group by type order by type;
-- | type, regions, which
-- | resistant_lagging, 3, ACT NSW TAS
-- | resistant_recovering, 1, WA
-- | vulnerable_lagging, 3, NT QLD VIC
-- | vulnerable_recovering, 1, SA

-- 8. Is it the mix of products or the region itself (shift-share, in m)?
select region_code, round(national / 1e6) as national, round(mix / 1e6) as mix, round(competitive / 1e6) as competitive from resilience.shift_share where episode = 'crisis_2008' and stage = 'resistance' order by competitive desc;
-- | region_code, national, mix, competitive
-- | NSW, -3471.0, -732.0, 2078.0
-- | VIC, -2233.0, -809.0, 332.0
-- | NT, -516.0, -723.0, 306.0
-- | TAS, -309.0, -65.0, 135.0
-- | ACT, -1.0, -1.0, 2.0
-- | SA, -1073.0, -784.0, -198.0
-- | WA, -8246.0, 4205.0, -834.0
-- | QLD, -4772.0, -1111.0, -1799.0

-- 9. When was each region back at its level before the crisis?
select region_code, n_periods_to_recover, is_recovered from resilience.region_cycle where episode = 'crisis_2008' order by n_periods_to_recover nulls last, region_code;
-- | region_code, n_periods_to_recover, is_recovered
-- | ACT, 0, true
-- | WA, 1, true
-- | NSW, 2, true
-- | QLD, 2, true
-- | SA, 2, true
-- | NT, 4, true
-- | VIC, 4, true
-- | TAS, , false

-- 10. What did the region that lost most lose?
select product, left(description, 40) as description, round((trough_value - base_value) / 1e6) as change from panel.region_product join trade.product using (product) where episode = 'crisis_2008' and region_code = 'QLD' order by trough_value - base_value limit 5;
-- | product, description, change
-- | 270112, "Coal; bituminous,  whether or not pulveri", -4603.0
-- | 260300, Copper ores and concentrates, -673.0
-- | 760120, "Aluminium; unwrought,  alloys", -383.0
-- | 740311, "Copper; refined,  unwrought,  cathodes and", -364.0
-- | 310530, "Fertilizers,  mineral or chemical; diammo", -238.0

-- 11. What entered a region's exports?
select product, left(description, 40) as description, round(end_value / 1e6, 1) as m from panel.region_product join trade.product using (product) where episode = 'crisis_2008' and region_code = 'VIC' and base_value = 0 and end_value > 0 order by end_value desc limit 5;
-- | product, description, m
-- | 293331, Heterocyclic compounds; containing an un, 5.6
-- | 845420, Ingot moulds and ladles; of a kind used , 4.6
-- | 261900, "Slag,  dross; (other than granulated slag", 3.4
-- | 282630, Sodium hexafluoroaluminate (synthetic cr, 3.3
-- | 120720, "Oil seeds; cotton seeds,  whether or not ", 3.0

-- 12. How do region-products end: exits, entries, continuing?
select status, count(*) as n, round(sum(base_value) / 1e9, 1) as base_bn from panel.region_product where episode = 'crisis_2008' group by status order by n desc;
-- | status, n, base_bn
-- | continuing, 12895, 186.1
-- | late_entry, 1567, 0.0
-- | exit, 1524, 0.2
-- | late_exit, 1499, 0.4
-- | passing, 1305, 0.0
-- | entry, 1084, 0.0
-- | re_entry, 1013, 0.3

-- 13. How concentrated and how varied are regions?
select region_code, round(hhi, 3) as hhi, round(related_variety, 2) as related, round(unrelated_variety, 2) as unrelated from diversification.region_year where year = 2008 order by related_variety desc;
-- | region_code, hhi, related, unrelated
-- | VIC, 0.019, 2.79, 4.87
-- | NSW, 0.122, 1.78, 3.91
-- | ACT, 0.251, 1.43, 1.04
-- | TAS, 0.076, 1.41, 3.41
-- | SA, 0.077, 1.15, 4.14
-- | WA, 0.221, 0.86, 2.37
-- | QLD, 0.366, 0.82, 2.7
-- | NT, 0.288, 0.69, 1.76

-- 14. Do products with related ones nearby resist better (thirds of density)?
select third, count(*) as n, round(avg(resistance_dhs), 3) as resistance from (select resistance_dhs, ntile(3) over (order by density, region_code, product) as third from panel.region_product where episode = 'crisis_2008' and base_value > 0 and density is not null) group by third order by third;
-- | third, n, resistance
-- | 1, 3081, -0.468
-- | 2, 3081, -0.374
-- | 3, 3081, -0.309

-- 15. Which products are closest to a product?
select case when product_a = '020130' then product_b else product_a end as product, round(proximity, 3) as proximity from space.proximity where '020130' in (product_a, product_b) order by proximity desc, 1 limit 5;
-- | product, proximity
-- | 020230, 0.632
-- | 020629, 0.632
-- | 020610, 0.579
-- | 020621, 0.579
-- | 020622, 0.579

-- 16. What is a region specialised in that few others are?
select s.product, ubiquity, round(rca, 1) as rca from space.region_product_year s join space.product_year p on p.year = s.year and p.product = s.product where s.year = 2008 and region_code = 'TAS' and is_specialized order by ubiquity, rca desc limit 5;
-- | product, ubiquity, rca
-- | 080231, 1, 66.8
-- | 160430, 1, 66.8
-- | 030541, 1, 66.8
-- | 030491, 1, 66.8
-- | 720310, 1, 66.8

-- 17. Which end use fell most?
select end_use, round(sum(base_value) / 1e9, 1) as base_bn, round(100 * (sum(trough_value) / sum(base_value) - 1), 1) as change from panel.region_product join external.product_classes c on c.hs6 = product where episode = 'crisis_2008' group by end_use order by change;
-- | end_use, base_bn, change
-- | other, 7.2, -43.9
-- | intermediate, 152.4, -10.4
-- | consumption, 21.0, -6.7
-- | capital, 5.2, -4.5

-- 18. Are neighbours alike?
select measure, round(moran, 3) as moran, round(moran_p_value, 2) as p from spatial.measure where source_table = 'resilience.region' and period = 'crisis_2008 / aggregate' and measure in ('resistance', 'recovery') order by measure;
-- | measure, moran, p
-- | recovery, 0.055, 0.37
-- | resistance, 0.232, 0.13

-- 19. What do the models say of related diversification?
select specification, outcome, round(estimate, 4) as estimate, round(se, 4) as se, round(wild_p, 3) as wild_p from model.coefficients where model = 'density' and term = 'density' and outcome <> 'upgrading' order by outcome, specification;
-- | specification, outcome, estimate, se, wild_p
-- | region and chapter, recovery_dhs, 0.0158, 0.0553, 0.783
-- | region and heading, recovery_dhs, 0.0166, 0.0483, 0.772
-- | weighted by exports, recovery_dhs, -0.0485, 0.0751, 0.649
-- | region and chapter, resistance_dhs, 0.1236, 0.0421, 0.018
-- | region and heading, resistance_dhs, 0.0974, 0.0387, 0.064
-- | weighted by exports, resistance_dhs, 0.0562, 0.0992, 0.656

-- 20. Was anything lost on the way?
select count(*) as files, sum(n_entries) as entries, sum(n_records) as records, sum(n_excluded) as excluded, sum(n_rejected) as rejected, sum(n_empty) as empty, sum(value_in) - sum(value_records) - sum(value_excluded) - sum(value_rejected) as value_lost from customs.reconciliation;
-- | files, entries, records, excluded, rejected, empty, value_lost
-- | 10, 520850, 185357, 40872, 0, 294621, 0.00
