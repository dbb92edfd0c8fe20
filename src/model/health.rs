//! Health checks of real servers, and the end-to-end check of a service.

use serde::Serialize;

use super::{HttpVersion, StatusCodes};

/// What keepalived asks a real server. Times in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    pub kind: HealthCheckKind,
    /// None: the ports that are served.
    pub port: Option<u16>,
    pub connect_timeout: u32,
    /// How often it is asked again before it counts as down.
    pub retry: u32,
    pub delay_before_retry: u32,
    /// Answers in a row that bring it back; keepalived takes one.
    pub rise: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthCheckKind {
    Tcp,
    Http(HttpAnswer),
    Https(HttpAnswer),
    Script { path: String, timeout: u32 },
}

impl HealthCheckKind {
    pub fn page(&self) -> Option<&HttpAnswer> {
        match self {
            Self::Http(answer) | Self::Https(answer) => Some(answer),
            Self::Tcp | Self::Script { .. } => None,
        }
    }
}

/// What is asked for, and what a real server that is well answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HttpAnswer {
    pub path: String,
    /// The name to ask by.
    pub host: Option<String>,
    pub status: StatusCodes,
    /// A text that the page's body holds.
    pub text: Option<String>,
    pub version: HttpVersion,
}

/// The most ports of a service that are asked where the inventory does not name them.
pub const MOST_ASKED: usize = 16;

/// The most requests of one client to one port.
pub const MOST_REQUESTS: u16 = 100;

/// How the end-to-end check asks for the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndToEnd {
    /// Path for ports that speak HTTP.
    pub path: String,
    /// The status that is right. None: the health check's for the page that it asks, else below 400.
    pub status: Option<StatusCodes>,
    /// Requests a client sends to each port; enough for every real server to be hit.
    pub requests: u16,
    /// The ports that are asked, sorted: never ranges.
    pub ports: Vec<u16>,
    /// Ports that speak HTTP or HTTPS; the others are asked by a TCP connection.
    pub http: Vec<u16>,
    pub https: Vec<u16>,
}
