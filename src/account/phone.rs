use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A trusted phone number, as far as Apple shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phone {
    /// Apple's number for it, which the person names it by, too.
    pub id: u64,
    #[serde(rename = "lastTwoDigits", default)]
    pub last_two: String,
    /// Goes back if it came (protocol/auth.md §3.1).
    #[serde(rename = "nonFTEU", default, skip_serializing_if = "Option::is_none")]
    non_fteu: Option<bool>,
}

impl Phone {
    /// How it is named to Apple.
    pub fn json(&self) -> Value {
        let mut phone = json!({"id": self.id});
        if let Some(flag) = self.non_fteu {
            phone["nonFTEU"] = flag.into();
        }
        phone
    }
}

impl std::fmt::Display for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (••{})", self.id, self.last_two)
    }
}

/// How the person wants a code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodeBy {
    /// Shown on the trusted devices; a text message if there are none.
    #[default]
    Devices,
    /// To a trusted number, by its id; without one, to the only number there is.
    Phone { number: Option<u64>, voice: bool },
}

/// Where a code was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CodeSent {
    Devices,
    Phone { phone: Phone, voice: bool },
}

impl CodeSent {
    /// How to have another one sent to the same place.
    pub fn again(&self) -> CodeBy {
        match self {
            CodeSent::Devices => CodeBy::Devices,
            CodeSent::Phone { phone, voice } => CodeBy::Phone { number: Some(phone.id), voice: *voice },
        }
    }
}

impl std::fmt::Display for CodeSent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CodeSent::Devices => f.write_str("Apple shows a code on your devices"),
            CodeSent::Phone { phone, voice: false } => {
                write!(f, "Apple texts a code to the number ••{}", phone.last_two)
            }
            CodeSent::Phone { phone, voice: true } => {
                write!(f, "Apple calls the number ••{} with a code", phone.last_two)
            }
        }
    }
}
