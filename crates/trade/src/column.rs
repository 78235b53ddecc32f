//! The columns of an entry whose texts have codes.

/// The texts of an entry that have codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Column {
    /// `export` or `import`.
    Flow,
    /// Region code.
    Region,
    /// Product code, all its digits.
    Product,
    /// The product as it is analysed: the first six digits of an HS code, else the code itself.
    Analysed,
    /// The revision of an HS code.
    Revision,
    /// Destination code.
    Destination,
    /// Trade mode code.
    TradeMode,
    /// Ownership code.
    Ownership,
    /// Firm identifier.
    Firm,
    /// Name of the firm.
    FirmName,
    /// Unit of the quantity.
    QuantityUnit,
}

impl Column {
    /// All of them, each at its number.
    pub const ALL: [Self; 11] = [
        Self::Flow,
        Self::Region,
        Self::Product,
        Self::Analysed,
        Self::Revision,
        Self::Destination,
        Self::TradeMode,
        Self::Ownership,
        Self::Firm,
        Self::FirmName,
        Self::QuantityUnit,
    ];
}
