-- One row a region-product that was exported in any year, with the first that has a record of it: before, there is nothing. It has
-- a file for each first year, so that what is made of pairs that are new is made beside what there was.
-- part: first_year
select min(year) as first_year, region_code, product
from trade.region_product_year
group by region_code, product
having max(fob_value) > 0
order by first_year, region_code, product
