//! Why roles cannot be read or expanded.

use crate::template::TemplateError;

#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    #[error("cannot read {path}")]
    Read {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} has more than {limit} bytes")]
    TooLarge { path: String, limit: u64 },
    /// `place` is a file with line and column, or a built-in role.
    #[error("{place}: {message}")]
    Invalid { place: String, message: String },
    #[error("{place}")]
    Expression {
        place: String,
        #[source]
        source: TemplateError,
    },
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl RoleError {
    pub(super) fn at(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid {
            place: place.into(),
            message: message.into(),
        }
    }
}
