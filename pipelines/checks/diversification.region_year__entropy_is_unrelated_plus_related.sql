-- H = UV + RV, and the three tiers add up too (Frenken et al. 2007; Castaldi et al. 2015).
-- each: year
select
    year, region_code, entropy_products, unrelated_variety, semi_related_variety, related_variety,
    related_variety_subgroups
from diversification.region_year
where abs(entropy_products - unrelated_variety - related_variety) > 1e-9
    or abs(entropy_products - unrelated_variety - semi_related_variety - related_variety_subgroups) > 1e-9
order by year, region_code
