//! What names of columns say, in several languages.

/// Words of regions, without accents.
const REGIONS: &[&str] = &[
    "region",
    "regions",
    "regiao",
    "regione",
    "state",
    "states",
    "province",
    "provinces",
    "provincia",
    "provincias",
    "provinz",
    "prov",
    "departamento",
    "department",
    "departement",
    "bundesland",
    "lander",
    "kreis",
    "county",
    "counties",
    "district",
    "distrito",
    "municipality",
    "municipio",
    "comune",
    "commune",
    "kommune",
    "city",
    "ciudad",
    "cidade",
    "area",
    "areas",
    "geo",
    "geography",
    "territory",
    "territorio",
    "estado",
    "estados",
    "entidad",
    "federativa",
    "uf",
    "nuts",
    "nuts1",
    "nuts2",
    "nuts3",
    "lga",
    "prefecture",
    "oblast",
    "voivodeship",
    "canton",
    "kanton",
    "comunidad",
    "ccaa",
    "reporter",
    "declarant",
    "exporter",
    "exportador",
    "location",
    "place",
    "gebiet",
    "zone",
    "zona",
    "authority",
    "msa",
    "economy",
    "origin",
    "origen",
    "iso",
    "iso2",
    "iso3",
    "iso3c",
    "gemeinde",
    "省份",
    "省",
    "地区",
    "城市",
];

/// Parts of words of regions, as German puts them together.
const REGION_STEMS: &[&str] = &["bundesland", "region"];

/// Words of products and industries.
const PRODUCTS: &[&str] = &[
    "product",
    "products",
    "producto",
    "produto",
    "produit",
    "produits",
    "prodotto",
    "produkt",
    "ware",
    "waren",
    "warengruppe",
    "warennummer",
    "guter",
    "commodity",
    "commodities",
    "goods",
    "mercancia",
    "mercadoria",
    "merce",
    "marchandise",
    "hs",
    "hs2",
    "hs4",
    "hs6",
    "hs8",
    "hs10",
    "sh",
    "sh2",
    "sh4",
    "sh6",
    "sa",
    "cn",
    "cn8",
    "nc",
    "nc8",
    "kn8",
    "ncm",
    "taric",
    "tariff",
    "arancelaria",
    "fraccion",
    "partida",
    "posicao",
    "capitulo",
    "capitolo",
    "chapitre",
    "chapter",
    "kapitel",
    "heading",
    "subheading",
    "section",
    "seccion",
    "secao",
    "sitc",
    "cuci",
    "ctci",
    "bec",
    "nace",
    "naics",
    "scian",
    "isic",
    "ciiu",
    "cnae",
    "cae",
    "sic",
    "anzsic",
    "cpa",
    "cpc",
    "ipc",
    "industry",
    "industries",
    "industria",
    "industrie",
    "branche",
    "wirtschaftszweig",
    "wz",
    "wz08",
    "sector",
    "setor",
    "secteur",
    "settore",
    "sektor",
    "subsector",
    "subsetor",
    "rama",
    "subrama",
    "actividad",
    "atividade",
    "activity",
    "activite",
    "attivita",
    "division",
    "divisao",
    "divisione",
    "technology",
    "tecnologia",
    "technologie",
    "hts",
    "ahecc",
    "商品编码",
    "商品代码",
    "税号",
];

const PRODUCT_STEMS: &[&str] =
    &["warennummer", "warengruppe", "wirtschaftszweig", "produkt", "commodity", "ateco"];

/// Words of partners.
const PARTNERS: &[&str] = &[
    "partner",
    "partners",
    "destination",
    "destino",
    "destinazione",
    "bestimmungsland",
    "partnerland",
    "counterpart",
    "importer",
    "importador",
    "目的国",
    "最终目的国",
    "目的地",
    "贸易伙伴",
    "贸易国",
];

/// Words of countries, which are regions or partners.
const COUNTRIES: &[&str] = &["country", "countries", "pais", "pays", "land", "paese", "nation"];

/// Words of years, dates and periods.
const PERIODS: &[&str] = &[
    "year",
    "years",
    "jahr",
    "ano",
    "anio",
    "annee",
    "anno",
    "period",
    "periodo",
    "periode",
    "time",
    "date",
    "fecha",
    "data",
    "datum",
    "zeit",
    "zeitraum",
    "month",
    "mes",
    "mois",
    "monat",
    "mese",
    "quarter",
    "trimestre",
    "quartal",
    "fiscal",
    "fy",
    "年份",
    "年",
    "日期",
    "月份",
    "月",
];

/// Words of months and quarters.
const MONTHS: &[&str] = &[
    "month",
    "mes",
    "mois",
    "monat",
    "mese",
    "quarter",
    "trimestre",
    "quartal",
    "qtr",
    "trim",
    "月份",
    "月",
    "季度",
];

const QUARTERS: &[&str] = &["quarter", "trimestre", "quartal", "qtr", "trim", "季度"];

/// Words of names and descriptions, which stand beside codes.
const LABELS: &[&str] = &[
    "name",
    "names",
    "nombre",
    "nome",
    "nom",
    "desc",
    "description",
    "descripcion",
    "descricao",
    "label",
    "libelle",
    "bezeichnung",
    "title",
    "titulo",
    "text",
    "designation",
    "descr",
    "商品名称",
    "名称",
];

/// Words of quantities.
const QUANTITIES: &[&str] = &[
    "kg",
    "kilos",
    "tonnes",
    "tonnen",
    "tons",
    "toneladas",
    "ton",
    "weight",
    "netweight",
    "wgt",
    "peso",
    "poids",
    "gewicht",
    "menge",
    "quantity",
    "quantities",
    "quantite",
    "quantidade",
    "cantidad",
    "qty",
    "units",
    "unidades",
    "volume",
    "litres",
    "kilograms",
    "quilograma",
    "数量",
    "重量",
];

/// Words of numbers that are no sums.
const SHARES: &[&str] = &[
    "share",
    "percent",
    "percentage",
    "pct",
    "growth",
    "rank",
    "ranking",
    "index",
    "rate",
    "change",
    "balance",
    "tradebalance",
    "anteil",
    "participacion",
    "participacao",
    "variacion",
    "variacao",
    "rca",
    "latitude",
    "longitude",
    "lat",
    "lon",
    "population",
    "gdp",
];

/// Words of numbers that only tell things apart.
const NUMBERS: &[&str] = &["id", "nr", "no", "row", "code", "codigo", "coordinate"];

/// Words of values.
const VALUES: &[&str] = &[
    "value",
    "values",
    "valor",
    "valores",
    "valeur",
    "valeurs",
    "wert",
    "werte",
    "valore",
    "fob",
    "cif",
    "amount",
    "betrag",
    "montant",
    "monto",
    "importe",
    "vlfob",
    "exports",
    "export",
    "exportaciones",
    "exportacoes",
    "exportations",
    "ausfuhr",
    "ausfuhren",
    "exporte",
    "esportazioni",
    "obs",
    "sales",
    "金额",
];

/// What a column may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Region,
    Product,
    Partner,
    Country,
    Period,
    Month,
    Quarter,
    Label,
    Quantity,
    Share,
    Number,
    Value,
}

/// A letter without its accent.
fn bare(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    }
}

/// A text in small letters without accents.
pub(super) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(bare).collect()
}

/// The words of a name: `refYear`, `CVE_ENT` and `HS code` have two.
pub(super) fn words(name: &str) -> Vec<String> {
    let (mut words, mut word, mut is_small) = (Vec::new(), String::new(), false);
    for c in name.chars() {
        let begins = c.is_uppercase() && is_small;
        if (!c.is_alphanumeric() || begins) && !word.is_empty() {
            words.push(fold(&std::mem::take(&mut word)));
        }
        if c.is_alphanumeric() {
            word.push(c);
        }
        is_small = c.is_lowercase();
    }
    if !word.is_empty() {
        words.push(fold(&word));
    }
    words
}

impl Role {
    fn words(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Region => (REGIONS, REGION_STEMS),
            Self::Product => (PRODUCTS, PRODUCT_STEMS),
            Self::Partner => (PARTNERS, &[]),
            Self::Country => (COUNTRIES, &[]),
            Self::Period => (PERIODS, &[]),
            Self::Month => (MONTHS, &[]),
            Self::Quarter => (QUARTERS, &[]),
            Self::Label => (LABELS, &[]),
            Self::Quantity => (QUANTITIES, &[]),
            Self::Share => (SHARES, &["percent"]),
            Self::Number => (NUMBERS, &[]),
            Self::Value => (VALUES, &[]),
        }
    }

    /// Whether a name says that its column holds it.
    pub(super) fn is_in(self, name: &str) -> bool {
        let (whole, stems) = self.words();
        let is = |word: &String| {
            whole.contains(&word.as_str()) || stems.iter().any(|stem| word.contains(stem))
        };
        words(name).iter().any(is) || (self == Self::Share && name.contains('%'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_columns_hold() {
        for (name, role) in [
            ("SUBSECTOR", Role::Product),
            ("Subsector SCIAN", Role::Product),
            ("NaicsCode", Role::Product),
            ("Código NCM", Role::Product),
            ("Warennummer (8-Steller)", Role::Product),
            ("Entidad federativa", Role::Region),
            ("Área", Role::Region),
            ("Exportregion", Role::Region),
            ("País de destino", Role::Partner),
            ("Pays", Role::Country),
            ("Année", Role::Period),
            ("TRIMESTRE", Role::Quarter),
            ("Mês", Role::Month),
            ("HS description", Role::Label),
            ("Net weight (kg)", Role::Quantity),
            ("2081/082_export_share", Role::Share),
            ("VALOR_MILES_USD", Role::Value),
        ] {
            assert!(role.is_in(name), "{name}");
        }
        assert!(!Role::Product.is_in("CVE_ENT") && !Role::Region.is_in("Customer"));
        assert_eq!(words("refYear CVE_ENT"), ["ref", "year", "cve", "ent"]);
    }
}
