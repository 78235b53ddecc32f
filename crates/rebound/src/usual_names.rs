//! Usual names of columns, in small letters and without marks; codes before descriptions.

/// Columns of regions.
pub(crate) const REGION: &[&str] = &[
    "region",
    "reporteriso",
    "reportercode",
    "locationcode",
    "origin",
    "exportercode",
    "regioncode",
    "countrycode",
    "geo",
    "refarea",
    "state",
    "province",
    "country",
    "location",
    "loc",
    "exporter",
    "city",
    "municipality",
    "reporter",
    "district",
    "county",
    "departamento",
    "uf",
    "sguf",
    "sgufncm",
    "prov",
];

/// More columns of regions, in tables that are not of customs.
const MORE_REGIONS: &[&str] = &[
    "nuts",
    "nuts3",
    "nuts2",
    "nuts1",
    "nutscode",
    "nutsid",
    "lau",
    "fips",
    "geoid",
    "cbsa",
    "msa",
    "lad",
    "bundesland",
    "kreis",
    "landkreis",
    "departement",
    "comarca",
    "provincia",
    "estado",
    "oblast",
    "prefecture",
    "canton",
    "voivodeship",
    "regionid",
    "regionname",
];

/// Columns of products.
pub(crate) const PRODUCT: &[&str] = &[
    "cmdcode",
    "hscode",
    "hsproductcode",
    "sitcproductcode",
    "productcode",
    "commoditycode",
    "hs6",
    "hs4",
    "hs2",
    "hs",
    "cn8",
    "cn",
    "concm",
    "ncm",
    "naics",
    "nace",
    "nacer2",
    "sitc",
    "sitc06",
    "product",
    "prod",
    "commodity",
    "industrycode",
    "industry",
    "code",
    "section",
    "technology",
    "sector",
    "cpa21",
];

/// Columns of values.
pub(crate) const VALUE: &[&str] = &[
    "value",
    "primaryvalue",
    "tradevalue",
    "tradevalueus",
    "obsvalue",
    "employees",
    "patents",
    "exportvalue",
    "exports",
    "fobvalue",
    "fob",
    "val",
    "export",
    "vlfob",
    "employment",
    "emp",
    "count",
    "valueusd",
    "valueinusd",
    "valueinthousandeuros",
    "valueeur",
];

/// More columns of values, in tables that are not of customs.
const MORE_VALUES: &[&str] = &[
    "jobs",
    "employed",
    "beschaeftigte",
    "beschäftigte",
    "erwerbstaetige",
    "erwerbstätige",
    "empleo",
    "emploi",
    "gdp",
    "grp",
    "gva",
    "bip",
    "pib",
    "turnover",
    "umsatz",
    "sales",
    "revenue",
    "output",
    "production",
    "income",
    "wages",
    "payroll",
    "establishments",
    "firms",
    "tourists",
    "overnightstays",
    "usd",
    "eur",
    "nights",
    "arrivals",
];

/// Columns of years and other periods.
pub(crate) const YEAR: &[&str] =
    &["year", "refyear", "timeperiod", "time", "period", "yr", "coano", "ano", "anio", "jahr"];

/// Columns of partners.
pub(crate) const PARTNER: &[&str] = &[
    "partneriso",
    "partnercode",
    "partner",
    "destination",
    "destinationcode",
    "importer",
    "importercode",
    "partnerdesc",
    "cou",
    "copais",
    "pais",
];

/// Columns that say what kind of row it is: rows of several kinds are not meant to be summed.
pub(crate) const KIND: &[&str] = &[
    "flowcode",
    "flow",
    "flowdesc",
    "tradeflow",
    "tradeflowcode",
    "rgcode",
    "rgdesc",
    "stkflow",
    "aggregatelevel",
    "aggrlevel",
    "isleafcode",
    "isaggregate",
    "isoriginalclassification",
    "classificationcode",
    "classification",
    "unit",
    "indicators",
    "indicator",
    "freq",
    "motcode",
    "customscode",
    "partner2code",
];

/// Columns of months.
pub(crate) const MONTH: &[&str] = &["month", "refmonth", "comes", "mes", "mois", "monat"];

/// Columns of quarters.
pub(crate) const QUARTER: &[&str] =
    &["quarter", "quarters", "qtr", "quartal", "trimestre", "trimester", "trim"];

/// Columns of flows.
pub(crate) const FLOW: &[&str] = &[
    "flowcode",
    "flow",
    "tradeflowcode",
    "tradeflow",
    "flowdesc",
    "rgcode",
    "rgdesc",
    "stkflow",
    "tradetype",
    "exportimport",
    "impexp",
    "flujo",
    "fluxo",
    "flux",
];

/// Columns of quantities, weights before other units, each with the unit that its name says.
pub(crate) const QUANTITY: &[(&str, Option<&str>)] = &[
    ("netwgt", Some("kg")),
    ("netweightkg", Some("kg")),
    ("netweight", None),
    ("kgliquido", Some("kg")),
    ("quantityinkg", Some("kg")),
    ("weightkg", Some("kg")),
    ("quantity", None),
    ("qty", None),
    ("grossweight", None),
    ("数量", None),
    ("第一数量", None),
];

/// Columns of texts that describe a code beside them.
pub(crate) const DESCRIPTION: &[&str] = &[
    "commodity",
    "cmddesc",
    "productname",
    "productdescription",
    "description",
    "commoditydescription",
    "hsdescription",
    "reporter",
    "reporterdesc",
    "partnerdesc",
    "countryname",
    "regionname",
];

/// Columns of regions in any table of regions, those of customs first.
pub(crate) fn of_regions() -> Vec<&'static str> {
    [REGION, MORE_REGIONS].concat()
}

/// Columns of values in any table of regions, those of customs first.
pub(crate) fn of_values() -> Vec<&'static str> {
    [VALUE, MORE_VALUES].concat()
}

/// A name in small letters, without marks.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The columns that have one of the usual names, the likelier first.
pub(crate) fn usual(header: &[String], names: &[&str]) -> Vec<usize> {
    let plain: Vec<String> = header.iter().map(|name| plain(name)).collect();
    names
        .iter()
        .flat_map(|usual| (0..plain.len()).filter(|&at| plain[at] == *usual).collect::<Vec<_>>())
        .collect()
}
