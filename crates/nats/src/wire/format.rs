use serde::{Deserialize, Serialize};

/// How a broker writes envelopes. It reads every form, whichever it writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WireFormat {
    /// Binary: the least bytes and the least work, for brokers of this kind among themselves.
    #[default]
    Compact,
    /// A CloudEvents event in JSON, for programs in other languages.
    Json,
}
