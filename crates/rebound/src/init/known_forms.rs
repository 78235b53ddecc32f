//! Known forms of files, by the columns that they have.

use crate::usual_names::plain;
use trade::layout::Field;

/// A form of files that a source publishes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// A name for the layout.
    pub(super) name: &'static str,
    /// What it is.
    pub(super) title: &'static str,
    /// Columns that are there, in small letters and without marks.
    header: &'static [&'static str],
    /// Whether it was tried on files of the source.
    pub(super) is_tried: bool,
    /// The columns of fields.
    pub(super) columns: &'static [(Field, &'static str)],
    /// What texts of flows stand for.
    pub(super) flows: &'static [(&'static str, &'static str)],
    /// The currency of its values.
    pub(super) currency: Option<&'static str>,
    /// What its values are multiplied by.
    pub(super) multiplier: u32,
    /// Digits of its products, which may have lost the zeros they begin with.
    pub(super) digits: Option<usize>,
    /// A layout that comes with the program.
    pub(super) layout: Option<&'static str>,
}

/// What forms have in common.
const FORM: Known = Known {
    name: "",
    title: "",
    header: &[],
    is_tried: true,
    columns: &[],
    flows: &[],
    currency: None,
    multiplier: 1,
    digits: None,
    layout: None,
};

/// The layout of a source that comes with the program.
macro_rules! shipped {
    ($name:literal) => {
        Some(include_str!(concat!("../../../../config/layouts/", $name, ".yaml")))
    };
}

/// The code books that layouts of the program name, by the name of their file.
pub(super) static BOOKS: [(&str, &str); 7] = [
    ("brazil_country.csv", include_str!("../../../../config/codes/books/brazil_country.csv")),
    (
        "brazil_municipality_parana.csv",
        include_str!("../../../../config/codes/books/brazil_municipality_parana.csv"),
    ),
    ("brazil_uf.csv", include_str!("../../../../config/codes/books/brazil_uf.csv")),
    ("china_country.csv", include_str!("../../../../config/codes/books/china_country.csv")),
    ("china_ownership.csv", include_str!("../../../../config/codes/books/china_ownership.csv")),
    ("china_region.csv", include_str!("../../../../config/codes/books/china_region.csv")),
    ("china_trade_mode.csv", include_str!("../../../../config/codes/books/china_trade_mode.csv")),
];

/// Flows of China's customs records.
const CHINA_FLOWS: &[(&str, &str)] = &[("0", "export"), ("1", "import")];

/// Every known form. Of two that a header has, the first is meant.
static FORMS: [Known; 21] = [
    Known {
        name: "comtrade_plus",
        title: "UN Comtrade, site and API of today",
        header: &["refyear", "reportercode", "flowcode", "partnercode", "cmdcode", "primaryvalue"],
        columns: &[
            (Field::Year, "refyear"),
            (Field::Flow, "flowcode"),
            (Field::Region, "reporteriso"),
            (Field::Product, "cmdcode"),
            (Field::Destination, "partneriso"),
            (Field::Quantity, "netwgt"),
            (Field::Value, "primaryvalue"),
        ],
        flows: &[("X", "export"), ("M", "import")],
        currency: Some("USD"),
        ..FORM
    },
    Known {
        name: "comtrade_classic",
        title: "UN Comtrade, site until 2022",
        header: &[
            "year",
            "tradeflowcode",
            "reporteriso",
            "partneriso",
            "commoditycode",
            "tradevalueus",
        ],
        columns: &[
            (Field::Year, "year"),
            (Field::Flow, "tradeflowcode"),
            (Field::Region, "reporteriso"),
            (Field::Product, "commoditycode"),
            (Field::Destination, "partneriso"),
            (Field::Quantity, "netweightkg"),
            (Field::Value, "tradevalueus"),
        ],
        flows: &[("1", "import"), ("2", "export")],
        currency: Some("USD"),
        ..FORM
    },
    Known {
        name: "baci",
        title: "BACI of CEPII: exporters i, importers j, thousands of dollars, tonnes",
        header: &["t", "i", "j", "k", "v", "q"],
        columns: &[
            (Field::Year, "t"),
            (Field::Region, "i"),
            (Field::Destination, "j"),
            (Field::Product, "k"),
            (Field::Value, "v"),
            (Field::Quantity, "q"),
        ],
        currency: Some("USD"),
        multiplier: 1000,
        digits: Some(6),
        ..FORM
    },
    Known {
        name: "eurostat_comext",
        title: "Eurostat, Comext, the files of all data",
        header: &["declarant", "partner", "productnc", "flow", "period"],
        is_tried: false,
        columns: &[
            (Field::Year, "period"),
            (Field::Flow, "flow"),
            (Field::Region, "declarantiso"),
            (Field::Product, "productnc"),
            (Field::Destination, "partneriso"),
        ],
        flows: &[("1", "import"), ("2", "export")],
        currency: Some("EUR"),
        digits: Some(8),
        ..FORM
    },
    Known {
        name: "eurostat_comext_cube",
        title: "Eurostat, Comext, a table of its database",
        header: &["reporter", "partner", "product", "flow", "indicators", "timeperiod", "obsvalue"],
        is_tried: false,
        columns: &[
            (Field::Year, "timeperiod"),
            (Field::Flow, "flow"),
            (Field::Region, "reporter"),
            (Field::Product, "product"),
            (Field::Destination, "partner"),
            (Field::Value, "obsvalue"),
        ],
        flows: &[("1", "import"), ("2", "export")],
        currency: Some("EUR"),
        ..FORM
    },
    Known {
        name: "brazil_comexstat",
        title: "Brazil, ComexStat by state",
        header: &["coano", "comes", "concm", "copais", "sgufncm", "kgliquido", "vlfob"],
        columns: &[
            (Field::Year, "coano"),
            (Field::Month, "comes"),
            (Field::Region, "sgufncm"),
            (Field::Product, "concm"),
            (Field::Destination, "copais"),
            (Field::Value, "vlfob"),
        ],
        currency: Some("USD"),
        digits: Some(8),
        layout: shipped!("brazil_comexstat"),
        ..FORM
    },
    Known {
        name: "brazil_comexstat_mun",
        title: "Brazil, ComexStat by municipality",
        header: &["coano", "comes", "sh4", "copais", "comun", "kgliquido", "vlfob"],
        is_tried: false,
        columns: &[
            (Field::Year, "coano"),
            (Field::Month, "comes"),
            (Field::Region, "comun"),
            (Field::Product, "sh4"),
            (Field::Destination, "copais"),
            (Field::Value, "vlfob"),
        ],
        currency: Some("USD"),
        digits: Some(4),
        layout: shipped!("brazil_comexstat_mun"),
        ..FORM
    },
    Known {
        name: "us_state_exports",
        title: "US Census Bureau, exports by state, columns of its API",
        header: &["state", "ecommodity", "allvalyr", "year"],
        is_tried: false,
        columns: &[
            (Field::Year, "year"),
            (Field::Month, "month"),
            (Field::Region, "state"),
            (Field::Product, "ecommodity"),
            (Field::Destination, "ctycode"),
            (Field::Value, "allvalmo"),
        ],
        currency: Some("USD"),
        ..FORM
    },
    Known {
        name: "us_trade_online",
        title: "US Census Bureau, USA Trade Online, exports by state",
        header: &["state", "commodity", "country", "time"],
        is_tried: false,
        columns: &[
            (Field::Year, "time"),
            (Field::Region, "state"),
            (Field::Product, "commodity"),
            (Field::Destination, "country"),
        ],
        currency: Some("USD"),
        ..FORM
    },
    Known {
        name: "canada_hs2",
        title: "Canada, Trade Data Online by province and chapter, as a table",
        header: &["year", "hs2", "cou", "exports", "imports"],
        columns: &[(Field::Year, "year"), (Field::Region, "cou"), (Field::Product, "hs2")],
        currency: Some("CAD"),
        digits: Some(2),
        ..FORM
    },
    Known {
        name: "mexico_states",
        title: "Mexico, INEGI, exports by state and industry",
        header: &["anio", "entidad", "scian", "valor"],
        is_tried: false,
        columns: &[
            (Field::Year, "anio"),
            (Field::Region, "entidad"),
            (Field::Product, "scian"),
            (Field::Value, "valor"),
        ],
        currency: Some("USD"),
        multiplier: 1000,
        ..FORM
    },
    Known {
        name: "australia_state_ahecc8",
        title: "Australian Bureau of Statistics, exports by state and 8-digit AHECC code",
        header: &["year", "ahecc8", "nsw", "vic", "qld", "tas"],
        columns: &[(Field::Year, "year"), (Field::Product, "ahecc8")],
        currency: Some("AUD"),
        digits: Some(8),
        layout: shipped!("australia_state_ahecc8"),
        ..FORM
    },
    Known {
        name: "atlas",
        title: "Atlas of Economic Complexity, by country and product",
        header: &["year", "exportvalue", "importvalue", "locationcode"],
        is_tried: false,
        columns: &[(Field::Year, "year"), (Field::Region, "locationcode")],
        currency: Some("USD"),
        ..FORM
    },
    Known {
        name: "atlas_dataverse",
        title: "Atlas of Economic Complexity, files of its Dataverse",
        header: &["year", "exportvalue", "importvalue", "countryiso3code"],
        is_tried: false,
        columns: &[(Field::Year, "year"), (Field::Region, "countryiso3code")],
        currency: Some("USD"),
        ..FORM
    },
    Known {
        name: "china_query",
        title: "China, public on-line query of the customs",
        header: &["数据年月", "商品编码", "注册地编码", "人民币"],
        is_tried: false,
        columns: &[
            (Field::Year, "数据年月"),
            (Field::Region, "注册地编码"),
            (Field::Product, "商品编码"),
            (Field::Destination, "贸易伙伴编码"),
            (Field::Value, "人民币"),
        ],
        currency: Some("CNY"),
        digits: Some(8),
        layout: shipped!("china_query"),
        ..FORM
    },
    Known {
        name: "china_2012_2016",
        title: "China, customs records 2012-2016",
        header: &["进出口分类代码impexptypecd", "hs商品编码hscd", "金额美元sumusd"],
        is_tried: false,
        columns: &[
            (Field::Flow, "进出口分类代码impexptypecd"),
            (Field::Region, "境内目的地货源地代码dmstdstsrccd"),
            (Field::Product, "hs商品编码hscd"),
            (Field::Value, "金额美元sumusd"),
        ],
        flows: CHINA_FLOWS,
        currency: Some("USD"),
        digits: Some(8),
        layout: shipped!("china_2012_2016"),
        ..FORM
    },
    Known {
        name: "china_2007_2011",
        title: "China, customs records 2007-2011",
        header: &["日期", "进口或出口", "企业编码", "税号编码", "消费地进口or生产地出口"],
        is_tried: false,
        columns: &[
            (Field::Year, "日期"),
            (Field::Flow, "进口或出口"),
            (Field::Region, "消费地进口or生产地出口"),
            (Field::Product, "税号编码"),
            (Field::Destination, "起运国或目的国"),
            (Field::Value, "金额"),
        ],
        flows: CHINA_FLOWS,
        currency: Some("USD"),
        digits: Some(8),
        layout: shipped!("china_2007_2011"),
        ..FORM
    },
    Known {
        name: "china_2003_2005",
        title: "China, customs records 2003-2005",
        header: &["日期", "进口或出口", "企业编码", "消费地或生产地"],
        is_tried: false,
        columns: &[
            (Field::Year, "日期"),
            (Field::Flow, "进口或出口"),
            (Field::Region, "消费地或生产地"),
            (Field::Product, "税号编码"),
            (Field::Value, "金额"),
        ],
        flows: CHINA_FLOWS,
        currency: Some("USD"),
        digits: Some(8),
        layout: shipped!("china_2003_2005"),
        ..FORM
    },
    Known {
        name: "china_2006",
        title: "China, customs records 2006",
        header: &["月度", "进出口", "企业代码", "商品代码", "金额"],
        is_tried: false,
        columns: &[
            (Field::Year, "月度"),
            (Field::Flow, "进出口"),
            (Field::Region, "企业代码"),
            (Field::Product, "商品代码"),
            (Field::Value, "金额"),
        ],
        flows: CHINA_FLOWS,
        currency: Some("USD"),
        digits: Some(8),
        layout: shipped!("china_2006"),
        ..FORM
    },
    Known {
        name: "china_2002",
        title: "China, customs records 2002",
        header: &["进出口c", "partyid", "hsid", "国家名称c", "value"],
        is_tried: false,
        columns: &[
            (Field::Flow, "进出口c"),
            (Field::Region, "partyid"),
            (Field::Product, "hsid"),
            (Field::Value, "value"),
        ],
        flows: CHINA_FLOWS,
        currency: Some("USD"),
        digits: Some(8),
        layout: shipped!("china_2002"),
        ..FORM
    },
    Known {
        name: "china_2000_2001",
        title: "China, customs records 2000-2001",
        header: &["shipmentdate", "expimp", "partyid", "hsid", "value"],
        is_tried: false,
        columns: &[
            (Field::Year, "shipmentdate"),
            (Field::Flow, "expimp"),
            (Field::Region, "partyid"),
            (Field::Product, "hsid"),
            (Field::Value, "value"),
        ],
        flows: CHINA_FLOWS,
        currency: Some("USD"),
        digits: Some(8),
        layout: shipped!("china_2000_2001"),
        ..FORM
    },
];

/// Reports of Canada's Trade Data Online, whose columns have no names but the years.
static CANADA_REPORTS: Known = Known {
    name: "canada_trade_data_online",
    title: "Canada, Trade Data Online, reports by province as the site saves them",
    currency: Some("CAD"),
    digits: Some(2),
    layout: shipped!("canada_trade_data_online"),
    ..FORM
};

/// Whether what stands first in a file is the title of a report of Canada's Trade Data Online.
pub(super) fn is_canada_report(header: &[String]) -> bool {
    match header {
        [title, what] => title == "Title" && what.to_lowercase().contains("trade"),
        _ => false,
    }
}

/// The form that has this header, if it is known.
pub(super) fn known(header: &[String]) -> Option<&'static Known> {
    if is_canada_report(header) {
        return Some(&CANADA_REPORTS);
    }
    let names: Vec<String> = header.iter().map(|name| plain(name)).collect();
    FORMS.iter().find(|form| form.header.iter().all(|name| names.iter().any(|is| is == name)))
}

/// The code books that a layout names, each with its text.
pub(super) fn books_of(
    layout: &str,
) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    BOOKS.iter().filter(move |(name, _)| layout.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(header: &str) -> Option<&'static str> {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        known(&header).map(|form| form.name)
    }

    #[test]
    fn forms_are_known_by_their_headers() {
        for (header, name) in [
            ("t,i,j,k,v,q", Some("baci")),
            (
                "refYear,reporterCode,reporterISO,flowCode,partnerCode,partnerISO,cmdCode,primaryValue",
                Some("comtrade_plus"),
            ),
            (
                "Year,Trade Flow Code,Reporter ISO,Partner ISO,Commodity Code,Trade Value (US$)",
                Some("comtrade_classic"),
            ),
            ("year,hs2,cou,exports,imports,tradebalance", Some("canada_hs2")),
            (
                "CO_ANO,CO_MES,CO_NCM,CO_UNID,CO_PAIS,SG_UF_NCM,KG_LIQUIDO,VL_FOB",
                Some("brazil_comexstat"),
            ),
            ("Title,Canadian trade balances", Some("canada_trade_data_online")),
            ("year,region,product,value", None),
        ] {
            assert_eq!(form(header), name, "{header}");
        }
    }

    #[test]
    fn code_books_of_layouts_come_with_the_program() {
        for form in &FORMS {
            let Some(layout) = form.layout else { continue };
            let is_said = layout.starts_with("# Never tried on a real file");
            assert_eq!(is_said, !form.is_tried, "{}", form.name);
            let n_named = layout.lines().filter(|line| line.contains("codes/books/")).count();
            let books: Vec<_> = books_of(layout).map(|(name, _)| *name).collect();
            assert!(books.is_empty() == (n_named == 0), "{}", form.name);
            for line in layout.lines().filter(|line| line.contains("codes/books/")) {
                assert!(books.iter().any(|book| line.contains(book)), "{line}");
            }
        }
    }
}
