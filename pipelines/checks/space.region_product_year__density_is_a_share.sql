-- Density lies between 0 and 1, or says why it is null; RCA is not negative.
-- each: year
select year, region_code, product, rca, density, density_null_reason
from space.region_product_year
where density < 0 or density > 1 or rca < 0
    or (density is null) <> (density_null_reason is not null)
order by year, region_code, product
