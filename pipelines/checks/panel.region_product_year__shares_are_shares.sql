-- Kinds of owners are parts of all exports, and so are the two kinds of processing of processing trade.
-- each: year
select year, region_code, product, foreign_share, state_share, collective_share, private_share, processing_share
from panel.region_product_year
where foreign_share + state_share + collective_share + private_share not between -1e-9 and 1 + 1e-9
    or wholly_foreign_share > foreign_share + 1e-9
    or processing_share + ordinary_share > 1 + 1e-9
    or abs(supplied_processing_share + imported_processing_share - processing_share) > 1e-9
order by year, region_code, product
