-- H(HS6) = UV + RV, and the three tiers add up too (Frenken et al. 2007; Castaldi et al. 2015).
select year, region_code, entropy_hs6, unrelated_variety, semi_related_variety, related_variety, related_variety_hs4
from diversification.region_year
where abs(entropy_hs6 - unrelated_variety - related_variety) > 1e-9
    or abs(entropy_hs6 - unrelated_variety - semi_related_variety - related_variety_hs4) > 1e-9
order by year, region_code
