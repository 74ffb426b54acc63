//! The behaviours of the shop's customers.

/// One of the shop's behaviours; its name is the key in the ledger and the word on the line to the second
/// tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShopBehaviour {
    /// Opens a session.
    Login,
    /// Reads a page of items.
    Browse,
    /// Looks a word up in all items; its demand grows with the stored items.
    Search,
    /// Stores a payment and waits until it is on disk.
    Pay,
    /// Reads a payment back.
    Receipt,
    /// Has a text about an item written, as by a language model that is paid by tokens.
    Describe,
}

impl ShopBehaviour {
    /// All behaviours, in the order in which a customer meets them.
    pub const ALL: [ShopBehaviour; 6] = [
        Self::Login,
        Self::Browse,
        Self::Search,
        Self::Pay,
        Self::Receipt,
        Self::Describe,
    ];

    /// Lower-case name, as in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Browse => "browse",
            Self::Search => "search",
            Self::Pay => "pay",
            Self::Receipt => "receipt",
            Self::Describe => "describe",
        }
    }

    /// The behaviour of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|behaviour| behaviour.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_behaviour() {
        for behaviour in ShopBehaviour::ALL {
            assert_eq!(ShopBehaviour::from_name(behaviour.name()), Some(behaviour));
        }
        assert_eq!(ShopBehaviour::from_name("ledger"), None);
    }
}
